/**
 * What each namespace has stored in PostgreSQL, counted by triggers in the transaction of every change: whoever writes, and
 * whatever program it is. Each connection has rows of its own, so nobody waits for anybody; the sum is what counts.
 */

/** Part of the schema from its second version on. */
export const accounts = `
  CREATE TABLE moonhook_usage (
    scope text NOT NULL, process integer NOT NULL, waiting_rows bigint NOT NULL DEFAULT 0, waiting_bytes bigint NOT NULL DEFAULT 0,
    key_value_bytes bigint NOT NULL DEFAULT 0, ended_rows bigint NOT NULL DEFAULT 0, ended_bytes bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, process)) WITH (fillfactor = 50, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_scale_factor = 0);
  CREATE TABLE moonhook_vanished (scope text PRIMARY KEY);
  CREATE INDEX moonhook_events_scope ON moonhook_events (scope, seq);
  CREATE INDEX moonhook_ended_age ON moonhook_ended USING brin (ended);
  CREATE INDEX moonhook_duplicates_age ON moonhook_duplicates (expires);

  CREATE FUNCTION moonhook_delivery_bytes(e moonhook_events) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$ SELECT 300 + octet_length(e.id) + octet_length(e.type) + octet_length(e.source) + octet_length(e.attributes) + octet_length(e.body) $$;

  CREATE FUNCTION moonhook_count_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE sign integer := CASE TG_OP WHEN 'DELETE' THEN -1 ELSE 1 END;
  BEGIN
    IF NOT EXISTS (SELECT 1 FROM changed) THEN RETURN NULL; END IF;
    IF TG_ARGV[0] = 'waiting' THEN
      INSERT INTO moonhook_usage AS u (scope, process, waiting_rows, waiting_bytes)
      SELECT e.scope, pg_backend_pid(), sign * count(*), sign * sum(moonhook_delivery_bytes(e))
      FROM changed c JOIN moonhook_events e ON e.seq = c.event GROUP BY e.scope ORDER BY e.scope
      ON CONFLICT (scope, process) DO UPDATE SET waiting_rows = u.waiting_rows + excluded.waiting_rows,
        waiting_bytes = u.waiting_bytes + excluded.waiting_bytes;
    ELSE
      INSERT INTO moonhook_usage AS u (scope, process, ended_rows, ended_bytes)
      SELECT e.scope, pg_backend_pid(), sign * count(*), sign * sum(moonhook_delivery_bytes(e))
      FROM changed c JOIN moonhook_events e ON e.seq = c.event GROUP BY e.scope ORDER BY e.scope
      ON CONFLICT (scope, process) DO UPDATE SET ended_rows = u.ended_rows + excluded.ended_rows,
        ended_bytes = u.ended_bytes + excluded.ended_bytes;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER moonhook_waiting_added AFTER INSERT ON moonhook_deliveries REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_deliveries('waiting');
  CREATE TRIGGER moonhook_waiting_gone AFTER DELETE ON moonhook_deliveries REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_deliveries('waiting');
  CREATE TRIGGER moonhook_ended_added AFTER INSERT ON moonhook_ended REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_deliveries('ended');
  CREATE TRIGGER moonhook_ended_gone AFTER DELETE ON moonhook_ended REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_deliveries('ended');

  CREATE FUNCTION moonhook_key_value_bytes(k moonhook_key_values) RETURNS bigint LANGUAGE sql IMMUTABLE
    AS $$ SELECT 64 + octet_length(k.space) + octet_length(k.key) + octet_length(k.value) $$;
  CREATE FUNCTION moonhook_add_key_value_bytes(changed_scope text, change bigint) RETURNS void LANGUAGE sql
    AS $$ INSERT INTO moonhook_usage AS u (scope, process, key_value_bytes) SELECT changed_scope, pg_backend_pid(), change WHERE change <> 0
          ON CONFLICT (scope, process) DO UPDATE SET key_value_bytes = u.key_value_bytes + excluded.key_value_bytes $$;
  CREATE FUNCTION moonhook_count_key_values() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      PERFORM moonhook_add_key_value_bytes(a.scope, a.bytes) FROM
        (SELECT n.scope, sum(moonhook_key_value_bytes(n))::bigint AS bytes FROM added n GROUP BY n.scope ORDER BY n.scope) a;
    ELSIF TG_OP = 'DELETE' THEN
      PERFORM moonhook_add_key_value_bytes(a.scope, -a.bytes) FROM
        (SELECT o.scope, sum(moonhook_key_value_bytes(o))::bigint AS bytes FROM gone o GROUP BY o.scope ORDER BY o.scope) a;
    ELSE
      PERFORM moonhook_add_key_value_bytes(a.scope, a.bytes) FROM
        (SELECT x.scope, sum(x.bytes)::bigint AS bytes FROM
          (SELECT n.scope, moonhook_key_value_bytes(n) AS bytes FROM added n
           UNION ALL SELECT o.scope, -moonhook_key_value_bytes(o) FROM gone o) x GROUP BY x.scope ORDER BY x.scope) a;
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER moonhook_key_values_added AFTER INSERT ON moonhook_key_values REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_key_values();
  CREATE TRIGGER moonhook_key_values_changed AFTER UPDATE ON moonhook_key_values REFERENCING OLD TABLE AS gone NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_key_values();
  CREATE TRIGGER moonhook_key_values_gone AFTER DELETE ON moonhook_key_values REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION moonhook_count_key_values();

  INSERT INTO moonhook_usage (scope, process, waiting_rows, waiting_bytes)
    SELECT e.scope, 0, count(*), sum(moonhook_delivery_bytes(e)) FROM moonhook_deliveries d JOIN moonhook_events e ON e.seq = d.event GROUP BY e.scope;
  INSERT INTO moonhook_usage AS u (scope, process, ended_rows, ended_bytes)
    SELECT e.scope, 0, count(*), sum(moonhook_delivery_bytes(e)) FROM moonhook_ended d JOIN moonhook_events e ON e.seq = d.event GROUP BY e.scope
    ON CONFLICT (scope, process) DO UPDATE SET ended_rows = excluded.ended_rows, ended_bytes = excluded.ended_bytes;
  INSERT INTO moonhook_usage AS u (scope, process, key_value_bytes)
    SELECT k.scope, 0, sum(moonhook_key_value_bytes(k)) FROM moonhook_key_values k GROUP BY k.scope
    ON CONFLICT (scope, process) DO UPDATE SET key_value_bytes = excluded.key_value_bytes;
`;
