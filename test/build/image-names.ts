/** What the suite's images are called. No registry knows them, so none is ever asked for them. */
export const prefix = "localmodel-test/";
/** Named in images/kubernetes-node/start-node.sh as well. */
export const PAUSE_IMAGE = `${prefix}pause:local`;
