-- rowseal kit, part 1b of 3: the table that carries context into the binlog, ENGINE=BLACKHOLE.
--
-- What is inserted goes into the binlog, in order, inside its transaction, and is stored nowhere; a rollback leaves
-- nothing of it. Replicas need the engine too. It is built into MySQL; MariaDB, on every server, which is not replicated:
--   INSTALL SONAME 'ha_blackhole';
-- Where it can't be had, 01-table-innodb.sql stands in for this file.
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';
SET SESSION lock_wait_timeout = 5;

-- Columns are read by name. A primary key, since a server may insist on one (sql_require_primary_key), without
-- AUTO_INCREMENT, which would make each event longer. `kind` is context, when an application says who acts, or session,
-- when our trigger does; `body` is the application's JSON, `actor` @rowseal_actor.
CREATE TABLE IF NOT EXISTS rowseal.context (
  id BIGINT UNSIGNED NOT NULL DEFAULT 0,
  kind VARCHAR(8) NOT NULL,
  conn_id BIGINT UNSIGNED NOT NULL,
  login VARCHAR(288) NOT NULL,
  body TEXT NULL,
  actor TEXT NULL,
  PRIMARY KEY (id)
) ENGINE=BLACKHOLE DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='rowseal kit 1';


DELIMITER //

-- The only writer of the table.
CREATE /*M! OR REPLACE */ DEFINER = rowseal_owner@localhost
PROCEDURE /*!80029 IF NOT EXISTS */ rowseal.emit(kind VARCHAR(8), body TEXT, actor TEXT)
MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  INSERT INTO rowseal.context (kind, conn_id, login, body, actor) VALUES (kind, CONNECTION_ID(), USER(), body, actor);
END//
DELIMITER ;

GRANT INSERT ON rowseal.context TO rowseal_owner@localhost;
GRANT EXECUTE ON PROCEDURE rowseal.emit TO rowseal_owner@localhost;
