#!/bin/bash
# One Kubernetes node in a container: the control plane and a kubelet with ROLE=server, a kubelet that joins
# $SERVER with ROLE=agent. Told by environment variables, so that nothing of a cluster is in the image.
#
# /pki is a folder that all nodes of a cluster and the harness share. Logs are in /var/lib/node/log. A component
# that ends is started again, unless /run/held/COMPONENT exists: that is how tests keep one down.
set -euo pipefail
readonly state=/var/lib/node bin=/opt/kubernetes/bin pki=/pki
readonly pod_cidr=10.244.0.0/16 service_cidr=10.96.0.0/16 dns_ip=10.96.0.10
name=$(hostname)
ip=$(ip -4 -o addr show dev eth0 | awk '{print $4}' | cut -d/ -f1)
export KUBECONFIG=$state/admin.kubeconfig

main() {
  prepare_machine
  case $ROLE in
    server)
      api=https://127.0.0.1:6443
      make_authorities
      start_api_server
      ;;
    agent)
      api=https://$SERVER:6443
      until [ -e $pki/ready ]; do sleep 0.2; done
      kubeconfig admin
      ;;
  esac
  start_containerd
  until kubectl get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
  [ "$ROLE" != server ] || start_control_plane
  start_kubelet
  join_pod_network
  kubectl wait "node/$name" --for=condition=Ready --timeout=120s >/dev/null
  echo "node $name is ready"
  keep_routes
}

prepare_machine() {
  mkdir -p $pki $state/{log,etcd,kubelet} /etc/cni/net.d /run/held
  mount --make-rshared /
  [ -e /dev/kmsg ] || mknod /dev/kmsg c 1 11
  make_cgroups
}

# Nodes share the machine's tree, and a kubelet removes the cgroups of pods that it does not know. It cannot do
# without them either: from Kubernetes 1.36 on it panics when a container of a pod without a cgroup restarts.
make_cgroups() {
  local hierarchy file
  [ ! -e /sys/fs/cgroup/cgroup.controllers ] || { mkdir -p "/sys/fs/cgroup/$name"; return; }
  for hierarchy in /sys/fs/cgroup/*/; do
    [ -L "${hierarchy%/}" ] || mkdir -p "$hierarchy$name"
  done
  for file in cpuset.cpus cpuset.mems; do
    cat "/sys/fs/cgroup/cpuset/$file" >"/sys/fs/cgroup/cpuset/$name/$file"
  done
}

# run COMPONENT COMMAND…
run() {
  local component=$1
  shift
  while true; do
    if [ ! -e "/run/held/$component" ]; then
      "$@" >>"$state/log/$component.log" 2>&1 || true
      echo "$(date --iso-8601=seconds) $component has ended" >>"$state/log/$component.log"
    fi
    sleep 0.3
  done &
}

# certificate NAME SUBJECT EXTENSION
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$pki/$1.key" -out "$state/$1.csr" \
    -subj "$2" 2>/dev/null
  openssl x509 -req -in "$state/$1.csr" -CA $pki/ca.crt -CAkey $pki/ca.key -days 3650 \
    -set_serial "0x$(openssl rand -hex 8)" -out "$pki/$1.crt" -extfile <(echo "$3") 2>/dev/null
}

# kubeconfig NAME [CERTIFICATE]
kubeconfig() {
  local file=$state/$1.kubeconfig certificate=$pki/${2:-$1}
  kubectl config --kubeconfig="$file" set-cluster test --server="$api" \
    --certificate-authority=$pki/ca.crt --embed-certs
  kubectl config --kubeconfig="$file" set-credentials "$1" \
    --client-certificate="$certificate.crt" --client-key="$certificate.key" --embed-certs
  kubectl config --kubeconfig="$file" set-context test --cluster=test --user="$1"
  kubectl config --kubeconfig="$file" use-context test
} >/dev/null

make_authorities() {
  local client=extendedKeyUsage=clientAuth names
  names=DNS:localhost,DNS:$name,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  names=$names,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:10.96.0.1,IP:$ip
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=kubernetes-ca \
    -keyout $pki/ca.key -out $pki/ca.crt 2>/dev/null
  openssl genrsa -out $pki/sa.key 2048 2>/dev/null
  openssl rsa -in $pki/sa.key -pubout -out $pki/sa.pub 2>/dev/null
  certificate apiserver /CN=kube-apiserver "subjectAltName=$names"
  certificate admin /O=system:masters/CN=admin $client
  certificate controller-manager /CN=system:kube-controller-manager $client
  certificate scheduler /CN=system:kube-scheduler $client
  certificate proxy /CN=system:kube-proxy $client
  certificate kubelet-client /O=system:masters/CN=kubelet-client $client
  for who in admin controller-manager scheduler; do kubeconfig $who; done
  touch $pki/ready
}

start_api_server() {
  # Who uses which rights; used-rights.cluster.ts reads it.
  cat >$state/audit.yaml <<X
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts:localmodel-system"]
  - level: None
X
  # Nothing here outlives the container: what a disk would keep need not be waited for.
  run etcd etcd --data-dir $state/etcd --unsafe-no-fsync --log-level=error
  run kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=6443 \
    --advertise-address="$ip" --service-cluster-ip-range=$service_cidr --allow-privileged=true \
    --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --client-ca-file=$pki/ca.crt \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file=$pki/sa.pub --service-account-signing-key-file=$pki/sa.key \
    --tls-cert-file=$pki/apiserver.crt --tls-private-key-file=$pki/apiserver.key \
    --kubelet-client-certificate=$pki/kubelet-client.crt --kubelet-client-key=$pki/kubelet-client.key \
    --kubelet-preferred-address-types=InternalIP \
    --audit-policy-file=$state/audit.yaml --audit-log-path=$state/log/audit.json --audit-log-mode=batch
}

start_containerd() {
  # restrict_oom_score_adj: a container without CAP_SYS_RESOURCE may not lower it.
  cat >$state/containerd.toml <<X
version = 3
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "localmodel-test/pause:local"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["$bin/cni"]
  conf_dir = "/etc/cni/net.d"
X
  run containerd containerd --config $state/containerd.toml
  until ctr version >/dev/null 2>&1; do sleep 0.1; done
  ctr --namespace k8s.io images import /opt/kubernetes/images/pause.tar >/dev/null
}

start_control_plane() {
  run kube-controller-manager kube-controller-manager --kubeconfig=$state/controller-manager.kubeconfig \
    --leader-elect=false --use-service-account-credentials --service-account-private-key-file=$pki/sa.key \
    --root-ca-file=$pki/ca.crt --cluster-signing-cert-file=$pki/ca.crt --cluster-signing-key-file=$pki/ca.key \
    --allocate-node-cidrs=true --cluster-cidr=$pod_cidr --service-cluster-ip-range=$service_cidr
  run kube-scheduler kube-scheduler --kubeconfig=$state/scheduler.kubeconfig --leader-elect=false
  cat >$state/Corefile <<X
.:10053 {
  kubernetes cluster.local in-addr.arpa {
    endpoint $api
    kubeconfig $KUBECONFIG test
    ttl 1
  }
  errors
}
X
  run coredns coredns -conf $state/Corefile
  kubectl apply -f - >/dev/null <<X
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: $dns_ip
  ports:
    - {name: dns, port: 53, protocol: UDP, targetPort: 10053}
    - {name: dns-tcp, port: 53, protocol: TCP, targetPort: 10053}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports: [{name: dns, port: 10053, protocol: UDP}, {name: dns-tcp, port: 10053, protocol: TCP}]
endpoints: [{addresses: ["$ip"], conditions: {ready: true}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: test-kube-proxy}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: system:node-proxier}
subjects: [{kind: User, name: system:kube-proxy, apiGroup: rbac.authorization.k8s.io}]
X
}

start_kubelet() {
  certificate "node-$name" "/O=system:nodes/CN=system:node:$name" extendedKeyUsage=clientAuth
  kubeconfig node "node-$name"
  kubeconfig proxy
  cat >$state/kubelet.yaml <<X
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /$name
enforceNodeAllocatable: []
failSwapOn: false
localStorageCapacityIsolation: false
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
clusterDNS: ["$dns_ip"]
clusterDomain: cluster.local
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: "100Mi"}
X
  run kubelet kubelet --config=$state/kubelet.yaml --kubeconfig=$state/node.kubeconfig \
    --hostname-override="$name" --node-ip="$ip" --root-dir=$state/kubelet --cert-dir=$state/kubelet/pki
  run kube-proxy kube-proxy --kubeconfig=$state/proxy.kubeconfig --cluster-cidr=$pod_cidr \
    --hostname-override="$name" --proxy-mode=iptables --conntrack-max-per-core=0 --conntrack-min=0
}

join_pod_network() {
  local cidr
  until cidr=$(kubectl get node "$name" -o jsonpath='{.spec.podCIDR}' 2>/dev/null) && [ -n "$cidr" ]; do
    sleep 0.2
  done
  cat >/etc/cni/net.d/10-bridge.conflist <<X
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$cidr"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
X
}

# Pods of the other nodes are behind those nodes.
keep_routes() {
  local query='{range .items[*]}{.spec.podCIDR} {.status.addresses[0].address}{"\n"}{end}'
  while sleep 1; do
    kubectl get nodes -o jsonpath="$query" 2>/dev/null | while read -r cidr via; do
      [ "$via" = "$ip" ] || ip route replace "$cidr" via "$via" 2>/dev/null || true
    done || true
  done
}

main
