/**
 * Whose the cache of a slot is: what one tenant asked of the model, or of one of its adapters.
 *
 * The same tokens leave other keys and values behind with another adapter, so a beginning is only ever shared by requests
 * with the same owner. An owner outlives the process, and with it the kept states: adapters are told apart by what is in
 * their files, not by names.
 */
export function cacheOwner(tenant: string, adapterFingerprint?: string): string {
  return JSON.stringify(adapterFingerprint === undefined ? [tenant] : [tenant, adapterFingerprint]);
}
