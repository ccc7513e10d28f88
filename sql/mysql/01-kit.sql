-- rowseal kit, part 1 of 3: the schema `rowseal` and its procedures. For review by a DBA.
--
--   mysql < 01-kit.sql && mysql < 01-table-blackhole.sql      (or 01-table-innodb.sql, where BLACKHOLE can't be had)
--
-- As an account that may create accounts, and routines of another definer: SUPER, or SET_ANY_DEFINER (MySQL 8.2+),
-- SET_USER_ID (8.0), SET USER (MariaDB). MySQL 8.0 to 9.x, MariaDB 10.6 to 11.x. May be run again at any time; a second run
-- changes nothing (MySQL before 8.0.29 ends it: procedure exists). 99-uninstall.sql takes everything back. All of it is
-- replicated, so that a replica has it when it is promoted.
--
-- What it does to your server
--   * a schema `rowseal`: the procedures below, a table that remembers what to undo, and the table of part 1b;
--   * a locked account `rowseal_owner`@`localhost`, which nobody can log in as. The procedures and triggers run with
--     its rights: to write the one table of part 1b, to call these procedures, and TRIGGER on the schemas of the tables
--     that get triggers of ours. It reads no table of yours. While such triggers are there, do not drop it: writes would fail.
-- No table of yours is touched here; triggers are a choice per table (03-tables.sql).
--
-- Who may call what: nobody, until you say so. Each application that sets its context needs
--   GRANT EXECUTE ON PROCEDURE rowseal.set_context TO 'app'@'%';
-- (`context_accounts` in the configuration has rowseal setup do it.) It only claims who acts: each row carries the login
-- that the server knows beside the claim.
--
-- sql_mode becomes part of a procedure: set here, so that yours does not change what stands below.
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION';
SET SESSION lock_wait_timeout = 5;

CREATE DATABASE IF NOT EXISTS rowseal DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER IF NOT EXISTS rowseal_owner@localhost ACCOUNT LOCK;

-- What to undo. Nothing in here is secret.
CREATE TABLE IF NOT EXISTS rowseal.made (
  what VARCHAR(16) NOT NULL,
  name VARCHAR(300) NOT NULL,
  PRIMARY KEY (what, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT='rowseal kit 1';

-- A comment that begins with !80029 is read by MySQL from 8.0.29 on alone, one with M! by MariaDB alone.

DELIMITER //

-- The application says who acts, inside its transaction, before it writes:
--   CALL rowseal.set_context('{"actor":{"type":"user","id":"u_8842"},"request":"req-77"}');
-- It holds until the transaction ends; under autocommit that is at once. Works at every isolation level and under LOCK
-- TABLES. Costs about 20 us (MySQL 9.7) or 16 us (MariaDB 10.11) of the server's CPU, a round trip, and some 250 bytes
-- of binlog. Call it in transactions that write: a read-only one would come to stand in the binlog.
CREATE /*M! OR REPLACE */ DEFINER = rowseal_owner@localhost
PROCEDURE /*!80029 IF NOT EXISTS */ rowseal.set_context(context LONGTEXT CHARACTER SET utf8mb4)
MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  IF OCTET_LENGTH(context) > 8192 THEN
    SIGNAL SQLSTATE '22023' SET MYSQL_ERRNO = 1644, MESSAGE_TEXT = 'rowseal: the context is longer than 8 KiB';
  END IF;
  IF NOT COALESCE(JSON_VALID(context), 0)
     OR NOT COALESCE(JSON_TYPE(JSON_EXTRACT(context, '$.actor')) = 'OBJECT', 0)
     OR NOT COALESCE(JSON_TYPE(JSON_EXTRACT(context, '$.actor.id')) IN ('STRING', 'INTEGER', 'UNSIGNED INTEGER'), 0)
     OR JSON_UNQUOTE(JSON_EXTRACT(context, '$.actor.id')) = ''
     OR NOT COALESCE(JSON_UNQUOTE(JSON_EXTRACT(context, '$.actor.type')) IN ('user', 'service', 'system'), 0) THEN
    SIGNAL SQLSTATE '22023' SET MYSQL_ERRNO = 1644,
      MESSAGE_TEXT = 'rowseal: the context is no JSON object with an actor: {"actor":{"type":"user|service|system","id":"..."}}';
  END IF;
  CALL rowseal.emit('context', context, NULL);
END//

-- What the triggers of 03-tables.sql call, once a statement: who is logged in, and @rowseal_actor. NOW(6) is when the
-- statement began, the same for all of its rows. Where that is not within the last minute, or a whole second, the session has
-- stopped its clock (SET timestamp), so that it tells no statement from the next: then it is said with each row. Or the statement's
-- first row came late: where it began within the last day, it is said again only when @rowseal_actor changed or 1 ms went by.
-- An application never fails because of it: what goes wrong in here leaves rows without a session, and the trail shows that.
CREATE /*M! OR REPLACE */ DEFINER = rowseal_owner@localhost
PROCEDURE /*!80029 IF NOT EXISTS */ rowseal.emit_session()
MODIFIES SQL DATA SQL SECURITY DEFINER
BEGIN
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
  IF TIMESTAMPDIFF(SECOND, NOW(6), SYSDATE(6)) BETWEEN 0 AND 59 AND MICROSECOND(NOW(6)) <> 0 THEN
    SET @rowseal_statement = NOW(6);
    CALL rowseal.emit('session', NULL, LEFT(CONVERT(@rowseal_actor USING utf8mb4), 8192));
  ELSEIF NOT (TIMESTAMPDIFF(SECOND, NOW(6), SYSDATE(6)) BETWEEN 0 AND 86399 AND MICROSECOND(NOW(6)) <> 0
    AND @rowseal_said <=> CRC32(@rowseal_actor)
    AND COALESCE(TIMESTAMPDIFF(MICROSECOND, @rowseal_said_at, SYSDATE(6)) BETWEEN 0 AND 999, 0)) THEN
    SET @rowseal_statement = NULL, @rowseal_said = CRC32(@rowseal_actor), @rowseal_said_at = SYSDATE(6);
    CALL rowseal.emit('session', NULL, LEFT(CONVERT(@rowseal_actor USING utf8mb4), 8192));
  END IF;
END//

-- For the capture account, which sees neither triggers nor procedures by itself: those of ours, as they are now. And the
-- tables that rowseal_owner can see, by name, so that a trigger that went with its table is told from one that was dropped:
-- after the triggers, in this order, so that a table that is dropped while this runs is not taken for one that lost its
-- triggers. And the grants that let it see them: where one was taken away, what is not seen need not be gone.
CREATE /*M! OR REPLACE */ DEFINER = rowseal_owner@localhost
PROCEDURE /*!80029 IF NOT EXISTS */ rowseal.inventory()
READS SQL DATA SQL SECURITY DEFINER
BEGIN
  SELECT 'procedure' AS kind, ROUTINE_SCHEMA AS schema_name, NULL AS table_name, ROUTINE_NAME AS name, NULL AS event,
         SECURITY_TYPE AS security, DEFINER AS definer, SQL_MODE AS mode, ROUTINE_DEFINITION AS body
    FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = 'rowseal'
  UNION ALL
  SELECT 'trigger', EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, CONCAT(ACTION_TIMING, ' ', EVENT_MANIPULATION),
         NULL, DEFINER, NULL, ACTION_STATEMENT
    FROM information_schema.TRIGGERS WHERE DEFINER = 'rowseal_owner@localhost'
  UNION ALL
  SELECT 'table', TABLE_SCHEMA, TABLE_NAME, NULL, NULL, NULL, NULL, NULL, NULL
    FROM information_schema.TABLES
   WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
     AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema', 'rowseal')
  UNION ALL
  SELECT 'grant', TABLE_SCHEMA, NULL, PRIVILEGE_TYPE, NULL, NULL, NULL, NULL, NULL
    FROM information_schema.SCHEMA_PRIVILEGES
   WHERE GRANTEE = CONCAT(QUOTE('rowseal_owner'), '@', QUOTE('localhost')) AND PRIVILEGE_TYPE = 'TRIGGER'
  UNION ALL
  SELECT 'grant', TABLE_SCHEMA, TABLE_NAME, PRIVILEGE_TYPE, NULL, NULL, NULL, NULL, NULL
    FROM information_schema.TABLE_PRIVILEGES
   WHERE GRANTEE = CONCAT(QUOTE('rowseal_owner'), '@', QUOTE('localhost')) AND PRIVILEGE_TYPE = 'TRIGGER';
END//
DELIMITER ;

GRANT EXECUTE ON PROCEDURE rowseal.set_context TO rowseal_owner@localhost;
GRANT EXECUTE ON PROCEDURE rowseal.emit_session TO rowseal_owner@localhost;
GRANT EXECUTE ON PROCEDURE rowseal.inventory TO rowseal_owner@localhost;
