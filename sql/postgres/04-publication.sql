-- rowseal kit, part 4 of 4: the publication, an explicit list of tables.
--
--   psql -v ON_ERROR_STOP=1 -v publication=rowseal -f 04-publication.sql
-- and per table, leaves of partitioned tables rather than their roots:
--   ALTER PUBLICATION rowseal ADD TABLE ONLY public.orders;
--
-- Never FOR ALL TABLES nor FOR TABLES IN SCHEMA: both would make UPDATE and DELETE fail on every table without a key,
-- also on tables that are created later. Never publish_via_partition_root: it loses a leaf's TRUNCATE. No row filter, no
-- column list: what they hide would be missing from the trail (rowseal redacts by itself, and says so).
-- From 18 on, stored generated columns are published too; unpublished under REPLICA IDENTITY FULL they would make
-- UPDATE and DELETE fail.

begin;
set local lock_timeout = '5s';
set local search_path = pg_catalog, pg_temp;
select set_config('rowseal.publication', :'publication', true) as publication;
do $do$
begin
  if not exists (select from pg_publication where pubname = current_setting('rowseal.publication')) then
    execute format('create publication %I with (publish = ''insert, update, delete, truncate'', publish_via_partition_root = false%s)',
      current_setting('rowseal.publication'),
      case when current_setting('server_version_num')::int >= 180000 then ', publish_generated_columns = stored' else '' end);
  end if;
end $do$;
commit;
