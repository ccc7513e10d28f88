/**
 * What a statement in the log means for the transaction that it stands in: its begin or its end, a savepoint, XA, DDL, or a
 * change that nobody can turn into rows. It must never take a statement for nothing: what is not known is a gap.
 */

import type { Query } from '../events/query.ts';
import { after, type Wait } from '../events/wait.ts';
import { classify, type Statement } from '../sql/statements.ts';
import type { HeldBack } from './held-back.ts';
import type { OpenGroup } from './open-group.ts';
import type { Transaction } from './transaction.ts';
import type { Xa } from './xa.ts';

export interface GroupStatementsParts {
  readonly transaction: Transaction;
  readonly group: OpenGroup;
  readonly heldBack: HeldBack;
  readonly xa: Pick<Xa, 'statement'>;
  /** The transaction ended: with all that was held it is delivered. */
  readonly finish: () => Wait;
}

export interface GroupStatements {
  /** `event[0, bodyEnd)` is where the query was read from: where it must be held, that is. */
  statement(query: Query, event: Buffer, bodyEnd: number): Wait;
  /** A change in statement format, which is missing. */
  untold(query: Query): void;
}

type Change = Extract<Statement, { kind: 'ddl' | 'change' }>;
type OfSavepoint = Extract<Statement, { kind: 'savepoint' | 'rollback_to' | 'release' }>;

export function createGroupStatements(parts: GroupStatementsParts): GroupStatements {
  const { transaction, group, heldBack, xa, finish } = parts;

  const savepoint = ({ kind, name }: OfSavepoint): Wait => {
    const { muted, gtid } = group.inside();
    if (muted) return undefined;
    if (kind === 'rollback_to') return heldBack.rollbackTo(name);
    if (kind === 'release') heldBack.release(name);
    else heldBack.savepoint(name, gtid);
    return undefined;
  };

  /** DDL, or a change in statement format: alone in its transaction, or among others. */
  const definition = (said: Change, query: Query, event: Buffer, bodyEnd: number): Wait => {
    const open = group.inside();
    const { gtid } = open;
    const undecided = gtid.flavor === 'mariadb' && (gtid.alter === 'start' || gtid.alter === 'rollback');
    if (open.muted || undecided) return open.explicit ? undefined : finish();
    if (heldBack.holding) return heldBack.hold(event, bodyEnd);
    return after(group.begin(query.threadId), () => {
      if (said.kind === 'ddl') transaction.ddl(query, { ...said, flavor: gtid.flavor });
      else statementGap(transaction, said);
      return open.explicit ? undefined : finish();
    });
  };

  return {
    statement(query, event, bodyEnd) {
      const said = meaning(query);
      switch (said.kind) {
        case 'begin':
          group.inside().explicit = true;
          return group.begin(query.threadId);
        case 'commit':
          return finish();
        case 'rollback':
          return after(heldBack.deliver(), () => {
            if (transaction.begun && transaction.count > 0)
              transaction.gap('rolled_back', { last: transaction.count });
            return finish();
          });
        case 'savepoint':
        case 'rollback_to':
        case 'release':
          return savepoint(said);
        case 'xa':
          return xa.statement(said, query.threadId);
        case 'ddl':
        case 'change':
          return definition(said, query, event, bodyEnd);
      }
      return said satisfies never;
    },
    untold: (query) => statementGap(transaction, meaning(query)),
  };
}

function meaning(query: Query): Statement {
  return classify(query.text ?? query.rough, query.schema, query.mode);
}

function statementGap(transaction: Pick<Transaction, 'gap'>, said: Statement): void {
  const known = said.kind === 'change' ? said : { textClass: 'statement_unknown', table: null };
  transaction.gap('statement_format', { text_class: known.textClass, table: known.table });
}
