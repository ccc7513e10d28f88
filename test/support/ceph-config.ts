/** The ceph.conf of a cluster of one: no authentication inside, loopback only, small, quick to agree with itself. */

/** memstore forgets everything when it is killed; bluestore survives. */
export type ObjectStore = 'memstore' | 'bluestore';

/**
 * How long an object store may go without its turn before it stops answering, as a share of the four seconds of grace
 * below; one that was made to wait for longer has been seen never to answer again. One that is killed makes us wait as
 * long when it starts again: only bluestore does.
 */
const LEASE_SHARE = { memstore: 15, bluestore: 1.5 } as const;

export function configuration(options: {
  dir: string;
  fsid: string;
  monPort: number;
  port: number;
  store: ObjectStore;
  settings: Readonly<Record<string, string>>;
}): string {
  const { dir, fsid, monPort, port, store, settings } = options;
  return `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${monPort}/0]
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv4 = true
ms_bind_ipv6 = false
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${dir}/run
admin_socket = ${dir}/run/$name.$pid.asok
pid_file =
log_file = ${dir}/log/$name.log
crash_dir = ${dir}/run
keyring = ${dir}/keyring
log_to_stderr = false
err_to_stderr = false
debug_ms = 0
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}`)
  .join('\n')}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_pool_default_read_lease_ratio = ${LEASE_SHARE[store]}
osd_heartbeat_grace = 4
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
[mon]
mon_data = ${dir}/mon
mon_cluster_log_file = ${dir}/log/cluster.log
mon_data_avail_warn = 1
mon_data_avail_crit = 0
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
[osd]
osd_data = ${dir}/osd
osd_objectstore = ${store}
memstore_device_bytes = 4294967296
bluestore_block_size = 4294967296
bluestore_fsck_on_mount = false
osd_memory_target = 939524096
osd_class_load_list = *
osd_class_default_list = *
osd_max_object_name_len = 460
osd_max_object_namespace_len = 64
[client.rgw]
ms_mon_client_mode = crc
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_enable_usage_log = false
`;
}
