-- rowseal kit, part 2 of 3: the account that the daemon logs in as.
--
--   mysql < 02-capture-user.sql      (put the account that source.url names in the place of 'rowseal'@'%')
--
-- What it may do: stream the binlog (REPLICATION SLAVE), see where it ends and what is kept of it, look up who a thread
-- belongs to and whether statements set sql_log_bin, and call rowseal.inventory(). It reads no table of yours, and of
-- performance_schema the named columns alone: who is connected from where with which program, and statements with every
-- literal taken out (DIGEST_TEXT). Never the tables: PROCESSLIST_INFO and QUERY_SAMPLE_TEXT are everybody's statements
-- as they were sent. But REPLICATION SLAVE is the whole binlog: every change of every schema, on MariaDB also
-- passwords that somebody set in plain text. Guard its password accordingly.
-- For `rowseal doctor` to see which tables, keys and constraints there are, without any right to a row, setup grants
-- REFERENCES on the schemas that the configuration names; it does nothing to an account that can create no table:
--   GRANT REFERENCES ON shop.* TO 'rowseal'@'%';
--
-- It is locked until it has a password, so that it never stands open:
--   MySQL    ALTER USER 'rowseal'@'%' IDENTIFIED BY RANDOM PASSWORD; ALTER USER 'rowseal'@'%' ACCOUNT UNLOCK;
--   MariaDB  ALTER USER 'rowseal'@'%' IDENTIFIED VIA mysql_native_password USING '*<SHA1(SHA1(password)) in hex>' ACCOUNT UNLOCK;
-- MariaDB writes IDENTIFIED BY with the password in plain text into the binlog: never use it. `rowseal setup` sends a
-- hash that it makes itself, to both.
-- An existing account is given what is missing, and nothing is taken from it (rowseal doctor names what is too much).

INSERT IGNORE INTO rowseal.made (what, name)
  SELECT 'account', '''rowseal''@''%''' FROM (SELECT 1 AS one) AS once
   WHERE NOT EXISTS (SELECT 1 FROM mysql.user WHERE CONCAT('''', User, '''@''', Host, '''') = '''rowseal''@''%''');
CREATE USER IF NOT EXISTS 'rowseal'@'%' REQUIRE SSL WITH MAX_USER_CONNECTIONS 8 ACCOUNT LOCK;
/*!80000 GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO 'rowseal'@'%' */;
/*M! GRANT REPLICATION SLAVE, BINLOG MONITOR, SLAVE MONITOR ON *.* TO 'rowseal'@'%' */;
GRANT SELECT (PROCESSLIST_ID, PROCESSLIST_USER, PROCESSLIST_HOST) ON performance_schema.threads TO 'rowseal'@'%';
GRANT SELECT (PROCESSLIST_ID, ATTR_NAME, ATTR_VALUE) ON performance_schema.session_connect_attrs TO 'rowseal'@'%';
GRANT SELECT (DIGEST_TEXT, COUNT_STAR) ON performance_schema.events_statements_summary_by_digest TO 'rowseal'@'%';
GRANT REFERENCES ON rowseal.* TO 'rowseal'@'%';
GRANT EXECUTE ON PROCEDURE rowseal.inventory TO 'rowseal'@'%';
