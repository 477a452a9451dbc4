/** The audit log's tables: part of the cloud redirector's first schema, and all of a tenant's. */
export const AUDIT_TABLES = `
    CREATE TABLE audit (
      sequence INTEGER PRIMARY KEY,
      time INTEGER NOT NULL,
      event TEXT NOT NULL,
      tenant TEXT NOT NULL,
      operator TEXT NOT NULL,
      details TEXT NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_tenant ON audit (tenant, sequence);
    CREATE INDEX audit_by_operator ON audit (operator, sequence);

    -- The last record's place and hash, so that records missing at the end are noticed.
    CREATE TABLE audit_head (
      id INTEGER PRIMARY KEY CHECK (id = 1),
      sequence INTEGER NOT NULL,
      hash TEXT NOT NULL
    ) STRICT;
    INSERT INTO audit_head (id, sequence, hash)
      VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

    CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    -- Also against INSERT OR REPLACE, which deletes without firing the trigger above.
    CREATE TRIGGER audit_grows_in_order BEFORE INSERT ON audit
      WHEN NEW.sequence IS NOT (SELECT sequence FROM audit_head) + 1
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_head_moves_forward BEFORE UPDATE ON audit_head
      WHEN NEW.sequence IS NOT OLD.sequence + 1
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
`;
