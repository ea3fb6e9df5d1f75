export const id = 859;
export const ids = [859];
export const modules = {

/***/ 4859:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  ZG: () => (/* reexport */ PHASES),
  bJ: () => (/* reexport */ appliedText),
  KV: () => (/* reexport */ applyMigrations),
  cj: () => (/* reexport */ eventText),
  tf: () => (/* reexport */ formatFinding),
  JW: () => (/* reexport */ lintMigrations),
  Y$: () => (/* reexport */ loadMigrations),
  z6: () => (/* reexport */ newMigration),
  NC: () => (/* reexport */ ofRelease),
  qI: () => (/* reexport */ openDatabase),
  h7: () => (/* reexport */ phaseSchema),
  k0: () => (/* reexport */ planTable),
  ro: () => (/* reexport */ remarksOf),
  NQ: () => (/* reexport */ review),
  Hc: () => (/* reexport */ verdictOn),
  be: () => (/* reexport */ writeLock)
});

// UNUSED EXPORTS: LOCK_FILE, defineMigration, driftOf, mark, mayRun, planMigrations, readLedger, takeLease, turnsOf, undoTo

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/migrations/definition.js

const PHASES = ['expand', 'data', 'contract'];
const phaseSchema = schemas/* enum */.k5n(PHASES);
/** Gives an author's editor the types of a migration and of its context. */
function defineMigration(definition) {
    return definition;
}
const method = schemas/* custom */.IeY((value) => typeof value === 'function', 'must be a function');
const common = {
    phase: phaseSchema,
    description: schemas/* string */.YjP().min(1).max(200),
    up: method,
    check: method,
    assured: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* string */.YjP().min(10, 'say in at least 10 characters why')).optional(),
    timeout: schemas/* string */.YjP().optional(),
};
/** The shape of a default export; what its functions do is the author's. */
const definitionSchema = schemas/* union */.KCZ([
    schemas/* strictObject */.rej({ ...common, down: method }),
    schemas/* strictObject */.rej({ ...common, irreversible: schemas/* string */.YjP().min(10, 'say in at least 10 characters why') }),
]);

// EXTERNAL MODULE: ../../node_modules/mongodb/lib/index.js
var lib = __webpack_require__(5226);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var release = __webpack_require__(8880);
;// CONCATENATED MODULE: ./js/migrations/compare.js


/** What a declaration says of an index, in the form in which a server reports it. */
function indexOf({ name, key, serves: _serves, ...options }) {
    return { name, key, options: withoutUnset(options) };
}
/** The validation that a declaration asks for once every document satisfies it. */
function strictly(schema) {
    return { validator: { $jsonSchema: schema }, level: 'strict', action: 'error' };
}
/**
 * How a collection differs from its declaration, in words for a person; empty when it is as declared. `moderate` says that
 * a validator that only warns is as good as one can be, since some documents do not satisfy it yet.
 */
function differences(name, declaration, state, moderate) {
    if (state === null)
        return [`${name} is not there`];
    const found = [];
    const { schema, options = {}, indexes = [], dropIndexes = [] } = declaration;
    for (const [option, value] of Object.entries(options)) {
        if (includes(state.options[option], value))
            continue;
        found.push(`${name}: option ${option} is ${show(state.options[option])}, declared is ${show(value)}`);
    }
    if (schema !== undefined)
        found.push(...validationDifferences(name, schema, state.validation, moderate));
    for (const declared of indexes.map(indexOf)) {
        const same = state.indexes.find((index) => sameIndex(index, declared));
        const named = state.indexes.find((index) => index.name === declared.name);
        if (same !== undefined)
            continue;
        found.push(named === undefined
            ? `${name}: index ${declared.name} is not there`
            : `${name}: index ${declared.name} is ${showIndex(named)}, declared is ${showIndex(declared)}`);
    }
    for (const dropped of dropIndexes) {
        if (state.indexes.some((index) => index.name === dropped))
            found.push(`${name}: index ${dropped} is still there`);
    }
    return found;
}
function validationDifferences(name, schema, is, moderate) {
    if (is === null)
        return [`${name} has no validator`];
    if (!same(is.validator, { $jsonSchema: schema }))
        return [`${name}: the validator is another than the declared one`];
    if (is.level === 'strict' && is.action !== 'warn')
        return [];
    return moderate ? [] : [`${name}: the validator is ${is.level} and ${is.action}, declared are strict and error`];
}
/** Same keys in the same order, and same options. */
function sameIndex(one, other) {
    return sameKey(one, other) && same(one.options, other.options);
}
/** Same keys and options but for the seconds after which documents expire. */
function differsInExpiryOnly(one, other) {
    const { expireAfterSeconds: ones, ...oneOptions } = one.options;
    const { expireAfterSeconds: others, ...otherOptions } = other.options;
    return sameKey(one, other) && same(oneOptions, otherOptions) && ones !== undefined && others !== undefined;
}
function sameKey(one, other) {
    return JSON.stringify(Object.entries(one.key)) === JSON.stringify(Object.entries(other.key));
}
/** Whether two values mean the same to a server, whatever the order of their fields. */
function same(one, other) {
    return compare_text(one) === compare_text(other);
}
/** Servers add defaults to what they report (a collation's strength…): what is declared must be there. */
function includes(is, declared) {
    if (declared !== null && typeof declared === 'object' && is !== null && typeof is === 'object') {
        const fields = new Map(Object.entries(is));
        return Object.entries(declared).every(([name, value]) => includes(fields.get(name), value));
    }
    return same(is, declared);
}
function compare_text(value) {
    return (0,release/* canonicalJson */.dj)(JSON.parse(lib.BSON.EJSON.stringify({ value }, { relaxed: true })));
}
function show(value) {
    return value === undefined ? 'not set' : JSON.stringify(value);
}
function showIndex({ key, options }) {
    return `${JSON.stringify(key)}${Object.keys(options).length === 0 ? '' : ` ${JSON.stringify(options)}`}`;
}
/** Options that are set to what they are without being set. */
function withoutUnset(options) {
    return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== false && value !== null));
}

// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var js_lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/migrations/connection-loss.js


const LOSSES = [
    lib.MongoNetworkError,
    lib.MongoServerSelectionError,
    lib.MongoOperationTimeoutError,
    lib.MongoNotConnectedError,
    lib.MongoTopologyClosedError,
];
/** Whether what was thrown says that the way to the database broke: what was asked last may have been done or not. */
function isConnectionLoss(thrown) {
    if (LOSSES.some((kind) => thrown instanceof kind))
        return true;
    // A bulk write wraps what cut it.
    if (thrown instanceof lib.MongoBulkWriteError && isConnectionLoss(thrown.errorResponse))
        return true;
    return thrown instanceof Error && thrown.cause !== undefined && isConnectionLoss(thrown.cause);
}
/** `thrown` as a failure of the world when the way to the database broke, else as it is. */
function told(thrown, what) {
    if (thrown instanceof js_lib/* Failure */.HR || !isConnectionLoss(thrown))
        return thrown;
    return new js_lib/* Failure */.HR('unreachable', `${what}: the connection to the database broke; ask again, it continues`, {
        cause: thrown,
    });
}

;// CONCATENATED MODULE: ./js/migrations/failures.js



/** Engine errors of V8: their messages name properties and variables, never what is in them. */
const OF_THE_LANGUAGE = [TypeError, ReferenceError, RangeError];
/**
 * What was thrown, in words that carry no value of a document. A server's message quotes the document that it refuses, so only
 * its code, its name, and the names of index and collection are taken.
 */
function failures_withoutValues(thrown) {
    if (thrown instanceof js_lib/* Failure */.HR)
        return thrown.message;
    if (isConnectionLoss(thrown))
        return 'the connection to the database broke';
    if (thrown instanceof lib.MongoBulkWriteError || thrown instanceof lib.MongoServerError)
        return ofServer(thrown);
    if (thrown instanceof lib.MongoError)
        return `${thrown.name}: ${thrown.message}`;
    if (OF_THE_LANGUAGE.some((kind) => thrown instanceof kind))
        return `${placeOf(thrown)}${(0,js_lib/* messageOf */.bD)(thrown)}`;
    if (thrown instanceof SyntaxError)
        return `${placeOf(thrown)}SyntaxError (its message is withheld: it may quote data)`;
    return `${placeOf(thrown)}${(0,js_lib/* messageOf */.bD)(thrown)}`;
}
function ofServer(error) {
    const code = Number(error.code);
    const index = /\bindex: ([\w.$-]+)/.exec(error.message)?.[1];
    const namespace = /\bcollection: ([\w.$-]+)/.exec(error.message)?.[1];
    const where = [namespace, index && `index ${index}`].filter(Boolean).join(', ');
    if (code === 11000)
        return `duplicate key${where === '' ? '' : ` in ${where}`} (code 11000)`;
    if (code === 121)
        return 'a document does not satisfy the validator (code 121)';
    return `the database refused: ${error.codeName ?? error.name} (code ${code}; its message is withheld: it may quote data)`;
}
/** Line and column within the migration's file, from the stack. */
function placeOf(thrown) {
    if (!(thrown instanceof Error))
        return '';
    const place = /data:text\/javascript;base64,[^:)]+:(\d+):(\d+)/.exec(thrown.stack ?? '');
    return place === null ? '' : `line ${place[1]}: `;
}

;// CONCATENATED MODULE: ./js/migrations/impact.js

/** What a declaration of a collection would change, by looking alone. */
async function impactOfCollection(catalog, name, declared) {
    const before = await catalog.describe(name);
    if (before === null) {
        const indexes = declared.indexes?.length ?? 0;
        return [note(name, `is created, with ${indexes} ${indexes === 1 ? 'index' : 'indexes'}`)];
    }
    if (differences(name, declared, before, false).length === 0)
        return [note(name, 'is as declared already')];
    const found = [];
    for (const wrong of differences(name, { options: declared.options ?? {} }, before, true)) {
        found.push({ level: 'error', collection: name, text: `${wrong}: only a new collection can have it` });
    }
    if (declared.schema !== undefined)
        found.push(...(await impactOfValidator(catalog, name, declared.schema, before)));
    for (const index of declared.indexes ?? [])
        found.push(...(await impactOfIndex(catalog, name, indexOf(index), before)));
    for (const index of declared.dropIndexes ?? []) {
        if (before.indexes.some((one) => one.name === index))
            found.push(warning(name, `index ${index} is hidden, then dropped`));
    }
    return found;
}
async function impactOfValidator(catalog, name, schema, { validation }) {
    const isSame = same(validation?.validator, { $jsonSchema: schema });
    if (isSame && validation?.level === 'strict' && validation.action !== 'warn')
        return [];
    const refused = await catalog.countInvalid(name, schema);
    if (refused === 0)
        return [note(name, 'the validator becomes strict: every document satisfies it')];
    return [warning(name, `${refused} documents do not satisfy the validator: it warns only, until they are mended`)];
}
async function impactOfIndex(catalog, name, index, { indexes }) {
    if (indexes.some((one) => sameIndex(one, index)))
        return [];
    const named = indexes.find((one) => one.name === index.name);
    if (named !== undefined && !differsInExpiryOnly(named, index)) {
        return [{ level: 'error', collection: name, text: `an index ${index.name} with other keys or options is there` }];
    }
    const documents = await catalog.count(name, {});
    const found = [];
    if (named === undefined)
        found.push(note(name, `index ${index.name} is built over ${documents} documents`));
    if (index.options.unique === true) {
        const groups = await catalog.countDuplicates(name, index);
        if (groups > 0) {
            const text = `${groups} values stand more than once: ${index.name} cannot be unique`;
            found.push({ level: 'error', collection: name, text });
        }
    }
    const { expireAfterSeconds } = index.options;
    const [field] = Object.keys(index.key);
    if (expireAfterSeconds !== undefined && field !== undefined) {
        const expired = await catalog.countExpired(name, field, Number(expireAfterSeconds));
        found.push((expired > 0 ? warning : note)(name, `${index.name} deletes ${expired} documents within a minute, and more as they expire`));
    }
    return found;
}
/** How many documents a walk would look at. */
async function impactOfWalk(catalog, { collection, filter = {}, beforeImages = true }) {
    const documents = (await catalog.describe(collection)) === null ? 0 : await catalog.count(collection, filter);
    if (beforeImages || documents === 0)
        return [note(collection, `${documents} documents are changed`)];
    return [
        warning(collection, `${documents} documents are changed without before-images: the undo cannot put them back`),
    ];
}
function note(collection, text) {
    return { level: 'note', collection, text };
}
function warning(collection, text) {
    return { level: 'warning', collection, text };
}

;// CONCATENATED MODULE: ./js/migrations/order.js

/**
 * What is left to do in `phase`, in order. expand runs by itself; data and contract are one sequence, and each waits for the
 * expands before it.
 * @throws Failure `refused` that names every edited, missing or half undone migration, and every one out of order.
 */
function orderOf(migrations, ledger, phase) {
    const refusals = refusalsOf(migrations, ledger);
    if (refusals.length > 0)
        throw (0,js_lib/* refused */.J5)(refusals.join('\n'));
    return turnsOf(migrations, ledger, phase);
}
/** The same whatever may be wrong with the ledger, which is for who runs them to refuse. */
function turnsOf(migrations, ledger, phase) {
    const states = new Map(ledger.map(({ _id, state }) => [_id, state]));
    const isDone = ({ id }) => states.get(id) === 'applied';
    const sequence = migrations.filter((one) => (one.phase === 'expand') === (phase === 'expand'));
    const steps = [];
    const waiting = [];
    for (const migration of sequence) {
        if (isDone(migration))
            continue;
        const missing = migrations.find((before) => before.id < migration.id &&
            !isDone(before) &&
            before.phase !== phase &&
            (before.phase === 'expand' || sequence.includes(before)));
        if (missing !== undefined && phase !== 'expand') {
            if (migration.phase === phase) {
                waiting.push(`${migration.id} (${phase}) waits for ${missing.id} (${missing.phase}), which is not applied`);
            }
            continue;
        }
        if (migration.phase !== phase)
            continue;
        steps.push({ migration, kind: states.has(migration.id) ? 'settle' : 'apply' });
    }
    return { steps, waiting };
}
function refusalsOf(migrations, ledger) {
    const refusals = [];
    const known = new Map(migrations.map((migration) => [migration.id, migration]));
    const last = migrations.at(-1)?.id ?? '';
    for (const { _id: id, sha256, phase, state } of ledger) {
        const migration = known.get(id);
        if (migration === undefined) {
            // A newer release may have been here before.
            if (phase !== 'contract' && id > last && state === 'applied')
                continue;
            refusals.push(`${id} (${phase}) is ${state} in this database, but its file is missing: use the release that has it`);
        }
        else if (migration.sha256 !== sha256) {
            refusals.push(`${id} is ${state} in this database with another content: it was edited after it ran, undo the edit`);
        }
        else if (state === 'rolling-back') {
            refusals.push(`${id} is half undone: ask for the same undo again, it continues`);
        }
    }
    const lastApplied = { expand: '', later: '' };
    const kindOf = (phase) => (phase === 'expand' ? 'expand' : 'later');
    for (const { _id: id, phase, state } of ledger) {
        if (state === 'applied' && id > lastApplied[kindOf(phase)])
            lastApplied[kindOf(phase)] = id;
    }
    const present = new Set(ledger.map(({ _id }) => _id));
    for (const { id, phase } of migrations) {
        const later = lastApplied[kindOf(phase)];
        if (!present.has(id) && id < later) {
            refusals.push(`${id} (${phase}) is out of order: ${later} is applied already, give it a number after that`);
        }
    }
    return refusals;
}

;// CONCATENATED MODULE: ./js/migrations/ledger.js



/** How far a walk over documents came. */
const walkSchema = schemas/* strictObject */.rej({
    /** The last `_id` of the last finished batch, as EJSON text; null before the first. */
    after: schemas/* string */.YjP().nullable(),
    /** Documents written. */
    done: schemas/* number */.aig(),
    finished: schemas/* boolean */.zMY(),
});
/** One migration in `_migrations`: written before any work, so that a crash always leaves a mark. */
const ledgerEntrySchema = schemas/* strictObject */.rej({
    _id: schemas/* string */.YjP().regex(/^\d{3}_[a-z0-9_]+$/),
    sha256: release/* digestSchema */.er,
    phase: phaseSchema,
    state: schemas/* enum */.k5n(['applying', 'applied', 'failed', 'rolling-back']),
    /** What started it, like the URL of a workflow run. */
    run: schemas/* string */.YjP(),
    actor: schemas/* string */.YjP(),
    host: schemas/* string */.YjP(),
    /** The lease under which it was written: a later owner's entry is not overwritten. */
    owner: schemas/* string */.YjP(),
    startedAt: schemas/* date */.p6U(),
    finishedAt: schemas/* date */.p6U().nullable(),
    progress: schemas/* record */.g1P(schemas/* string */.YjP(), walkSchema),
    /** Without values of documents; null unless failed. */
    error: schemas/* string */.YjP().nullable(),
});
const historyEvents = [
    'applying',
    'applied',
    'failed',
    'rolling-back',
    'undone',
    'marked-applied',
    'marked-pending',
];
/** One line of `_migrations_history`, which is only ever added to; written before the ledger says the same. */
const historyLineSchema = schemas/* strictObject */.rej({
    /** Counts up; two writers of one line collide. */
    _id: schemas/* number */.aig().int(),
    migration: schemas/* string */.YjP(),
    event: schemas/* enum */.k5n(historyEvents),
    sha256: release/* digestSchema */.er,
    phase: phaseSchema,
    run: schemas/* string */.YjP(),
    actor: schemas/* string */.YjP(),
    host: schemas/* string */.YjP(),
    at: schemas/* date */.p6U(),
    /** Assurances, reasons, errors: text without values of documents. */
    note: schemas/* string */.YjP().nullable(),
});
/** A line is written before the entry that it announces, so a crash leaves the announcement alone. */
const APPLIED = ['applied', 'marked-applied', 'rolling-back'];
const GONE = ['undone', 'marked-pending', 'applying'];
/**
 * Where ledger and history contradict each other: someone wrote by hand.
 * @returns one line for each migration concerned.
 */
function ledger_contradictions(ledger, history) {
    const last = new Map();
    for (const line of history.toSorted((one, other) => one._id - other._id))
        last.set(line.migration, line);
    const found = [];
    for (const entry of ledger) {
        const line = last.get(entry._id);
        if (entry.state === 'applied' && !APPLIED.includes(line?.event)) {
            found.push(`${entry._id} is applied by the ledger, but its history ends with ${line?.event ?? 'nothing'}`);
        }
        else if (line !== undefined && line.sha256 !== entry.sha256) {
            found.push(`${entry._id} has another hash in the ledger than in its history`);
        }
    }
    const present = new Set(ledger.map(({ _id }) => _id));
    for (const [id, { event, run }] of last) {
        if (present.has(id) || GONE.includes(event))
            continue;
        found.push(`${id} is missing from the ledger, but its history ends with ${event} (run ${run})`);
    }
    return found;
}

;// CONCATENATED MODULE: ./js/migrations/read-ledger.js



/**
 * Ledger and history, which must agree.
 * @throws Failure `refused` when one was edited by hand, `unreachable` when the database went away.
 */
async function read_ledger_readState(store) {
    const state = await store.ledger.read().catch((thrown) => {
        throw told(thrown, 'the ledger cannot be read');
    });
    const found = ledger_contradictions(state.entries, state.history);
    if (found.length > 0) {
        throw (0,js_lib/* refused */.J5)(`${found.join('\n')}\nthe ledger was edited by hand: find out what is true, then say it with "pacs-agent migrate mark ID applied|pending --reason …"`);
    }
    return state;
}

;// CONCATENATED MODULE: ./js/migrations/time-limit.js

const DEFAULTS = { expand: 10 * 60_000, contract: 10 * 60_000, data: 24 * 3_600_000 };
const CHECK_LIMIT = 10 * 60_000;
/** Milliseconds that `up` and `down` of a migration may take. */
function time_limit_limitOf({ phase, definition }) {
    return definition.timeout === undefined ? DEFAULTS[phase] : (0,js_lib/* parseDuration */.E9)('timeout', definition.timeout);
}
/** Milliseconds that `check` may take. */
function checkLimitOf(migration) {
    return Math.min(CHECK_LIMIT, time_limit_limitOf(migration));
}
/**
 * Runs an author's code until it is done, its time is up, or `signal` aborts; then its calls to the database are ended, so that
 * nothing of it goes on behind the back of the next owner.
 * @throws Failure `failed` when the time is up; the signal's reason on abort.
 */
async function time_limit_within(store, what, limit, signal, work) {
    const end = new AbortController();
    const timer = setTimeout(() => end.abort(new js_lib/* Failure */.HR('failed', `${what} took longer than ${(0,js_lib/* formatDuration */.a3)(limit)} and was ended`)), limit);
    const ended = AbortSignal.any([signal, end.signal]);
    const { promise, reject } = Promise.withResolvers();
    const stop = () => reject(ended.reason);
    ended.addEventListener('abort', stop);
    if (ended.aborted)
        stop();
    try {
        return await Promise.race([promise, work(ended)]);
    }
    catch (thrown) {
        if (!ended.aborted)
            throw thrown;
        await store.abandon();
        throw ended.reason;
    }
    finally {
        clearTimeout(timer);
        ended.removeEventListener('abort', stop);
    }
}

;// CONCATENATED MODULE: ./js/migrations/plan.js






/**
 * What a run of `phase` would do to this database now. Reads only.
 * @throws Failure `refused` for whatever a run would be refused for before it begins.
 */
async function planMigrations(store, migrations, { phase, signal }) {
    const { steps, waiting } = orderOf(migrations, (await read_ledger_readState(store)).entries, phase);
    const planned = [];
    for (const { migration, kind } of steps) {
        const { id, definition } = migration;
        const irreversible = 'irreversible' in definition ? definition.irreversible : null;
        const impacts = await impactsOf(store, migration, signal);
        planned.push({ id, phase, description: definition.description, again: kind === 'settle', irreversible, impacts });
    }
    return { phase, steps: planned, waiting };
}
/** Runs `up` where it can only look, and notes what it asks for. */
async function impactsOf(store, migration, signal) {
    const { id, definition } = migration;
    const impacts = [];
    const context = (inner) => ({
        ...lookingContext(store, inner),
        batches: Object.assign(async (walk) => {
            impacts.push(...(await impactOfWalk(store.catalog, walk)));
        }, { restore: async () => undefined }),
        schema: {
            async collection(name, declaration) {
                impacts.push(...(await impactOfCollection(store.catalog, name, declaration)));
            },
            restore: async () => undefined,
        },
    });
    try {
        await time_limit_within(store, `plan of ${id}`, checkLimitOf(migration), signal, (inner) => definition.up(context(inner)));
    }
    catch (thrown) {
        signal.throwIfAborted();
        if (isConnectionLoss(thrown))
            throw told(thrown, `plan of ${id}`);
        impacts.push({
            level: 'warning',
            collection: '',
            text: `what follows cannot be foreseen: ${failures_withoutValues(thrown)}`,
        });
    }
    return impacts;
}
/** The part of a context that is the same wherever nothing may be written. */
function lookingContext(store, signal) {
    return { db: store.db('read'), log: () => undefined, signal };
}

;// CONCATENATED MODULE: ./js/migrations/drift.js





/** Compares every collection that an applied migration declares with what is there. Reads only. */
async function driftOf(store, migrations, signal) {
    const { entries } = await read_ledger_readState(store);
    const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id));
    const declared = new Map();
    for (const migration of migrations.filter(({ id }) => applied.has(id))) {
        for (const [name, declaration] of await declarationsOf(store, migration, signal)) {
            declared.set(name, { migration: migration.id, declaration: merge(declared.get(name)?.declaration, declaration) });
        }
    }
    const drift = [];
    for (const [collection, { migration, declaration }] of declared) {
        const state = await store.catalog.describe(collection);
        const found = differences(collection, declaration, state, false);
        const known = (declaration.indexes ?? []).map(indexOf);
        for (const index of state?.indexes ?? []) {
            if (!known.some((one) => sameIndex(one, index)) && !known.some(({ name }) => name === index.name)) {
                found.push(`${collection}: index ${index.name} is declared nowhere`);
            }
        }
        drift.push(...found.map((text) => ({ collection, migration, text })));
    }
    return drift;
}
/** What `up` declares, whatever else it would do. */
async function declarationsOf(store, migration, signal) {
    const found = [];
    const context = (inner) => ({
        ...lookingContext(store, inner),
        batches: Object.assign(async () => undefined, { restore: async () => undefined }),
        schema: {
            collection: async (name, declaration) => void found.push([name, declaration]),
            restore: async () => undefined,
        },
    });
    const { id, definition } = migration;
    const work = (inner) => definition.up(context(inner));
    // A migration that writes by itself stops at its first write; what it declared until then counts.
    await time_limit_within(store, `declarations of ${id}`, checkLimitOf(migration), signal, work).catch((thrown) => {
        signal.throwIfAborted();
        if (isConnectionLoss(thrown))
            throw told(thrown, `declarations of ${id}`);
    });
    return found;
}
function merge(earlier, later) {
    const dropped = new Set(later.dropIndexes);
    const kept = (earlier?.indexes ?? []).filter(({ name }) => !dropped.has(name) && !later.indexes?.some((index) => index.name === name));
    return { ...earlier, ...later, indexes: [...kept, ...(later.indexes ?? [])] };
}

;// CONCATENATED MODULE: ./js/migrations/event-text.js

/** An event as a line for people. */
function eventText(event) {
    switch (event.kind) {
        case 'started':
            return `${event.id}: ${event.description}${event.again ? ' (goes on where it was interrupted)' : ''}`;
        case 'progress': {
            const { id, collection, seen, total, perSecond, secondsLeft } = event;
            const left = secondsLeft === null ? '' : `, about ${(0,js_lib/* formatDuration */.a3)(secondsLeft * 1000)} left`;
            return `${id}: ${collection}, ${seen} of about ${total} documents, ${perSecond} a second${left}`;
        }
        case 'log':
            return `${event.id}: ${event.line}`;
        case 'applied':
        case 'undone':
            return `${event.id} is ${event.kind} (${(0,js_lib/* formatDuration */.a3)(event.milliseconds)})`;
    }
}
/** What a run did, in one line. */
function appliedText({ applied, waiting }) {
    const done = applied.map(({ id }) => id).join(', ');
    return [done === '' ? 'nothing was left to apply' : `applied: ${done}`, ...waiting].join('; ');
}

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
;// CONCATENATED MODULE: ./js/migrations/lock-file.js





/** Beside the migrations, committed with them. */
const LOCK_FILE = 'migrations.lock.json';
const lockSchema = schemas/* strictObject */.rej({
    schema: schemas/* literal */.euz(1),
    migrations: schemas/* array */.YOg(schemas/* strictObject */.rej({ id: schemas/* string */.YjP(), sha256: release/* digestSchema */.er, chain: release/* digestSchema */.er })),
});
/** The lines for `files`, which stand in order. */
function chainOf(files) {
    const lines = [];
    for (const { id, sha256: content } of files) {
        const before = lines.at(-1)?.chain ?? '';
        lines.push({ id, sha256: content, chain: (0,release/* sha256 */.sc)(`${before}\n${id}\n${content}`) });
    }
    return lines;
}
/** @throws Failure `bad-input` when the lock is missing or is no lock. */
async function readLock(folder) {
    const path = (0,external_node_path_.join)(folder, LOCK_FILE);
    const text = await (0,promises_.readFile)(path, 'utf8').catch((thrown) => {
        throw new js_lib/* Failure */.HR('bad-input', `${path} cannot be read: write it with "migrations lock" and commit it`, {
            cause: thrown,
        });
    });
    try {
        return lockSchema.parse(JSON.parse(text)).migrations;
    }
    catch (thrown) {
        throw new js_lib/* Failure */.HR('bad-input', `${path} is no lock of migrations (a merge conflict?): write it anew with "migrations lock" and read the difference`, { cause: thrown });
    }
}
/** Writes the lock for `files`. */
async function saveLock(folder, files) {
    const text = `${JSON.stringify({ schema: 1, migrations: chainOf(files) }, null, 2)}\n`;
    await (0,js_lib/* replaceFile */.fR)((0,external_node_path_.join)(folder, LOCK_FILE), text, 0o644);
}
/**
 * What differs between the lock and the files on disk, in words: edited, missing, added or out of order. Empty when all is as locked.
 */
function compareToLock(lock, files) {
    const differences = [];
    const onDisk = new Map(files.map((file) => [file.id, file.sha256]));
    const locked = new Set(lock.map(({ id }) => id));
    for (const { id, sha256: content } of lock) {
        const found = onDisk.get(id);
        if (found === undefined)
            differences.push(`${id} is locked but its file is missing: bring it back`);
        else if (found !== content) {
            differences.push(`${id} was edited after it was locked (${shorten(content)}, now ${shorten(found)}): undo the edit and write a new migration`);
        }
    }
    const last = lock.at(-1)?.id ?? '';
    for (const { id } of files) {
        if (locked.has(id))
            continue;
        differences.push(id < last
            ? `${id} is out of order: ${last} is locked already, give it a number after that`
            : `${id} is not locked: run "migrations lock"`);
    }
    lock.forEach(({ id }, index) => {
        const before = lock[index - 1]?.id;
        if (before !== undefined && before >= id)
            differences.push(`the lock is out of order: ${id} stands after ${before}`);
    });
    const broken = chainOf(lock).findIndex(({ chain }, index) => chain !== lock[index]?.chain);
    if (broken >= 0) {
        differences.push(`the lock was edited by hand: the chain breaks at ${lock[broken]?.id}, bring back the committed ${LOCK_FILE}`);
    }
    return differences;
}
function shorten(digest) {
    return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}

;// CONCATENATED MODULE: ./js/migrations/files.js
var __rewriteRelativeImportExtension = (undefined && undefined.__rewriteRelativeImportExtension) || function (path, preserveJsx) {
    if (typeof path === "string" && /^\.\.?\//.test(path)) {
        return path.replace(/\.(tsx)$|((?:\.d)?)((?:\.[^./]+?)?)\.([cm]?)ts$/i, function (m, tsx, d, ext, cm) {
            return tsx ? preserveJsx ? ".jsx" : ".js" : d && (!ext || !cm) ? m : (d + ext + "." + cm.toLowerCase() + "js");
        });
    }
    return path;
};






const FILE = /^(\d{3}_[a-z0-9]+(?:_[a-z0-9]+)*)\.js$/;
/**
 * The migrations of `folder` in order, each exactly as `migrations.lock.json` names it.
 * @throws Failure `bad-input` that names every edited, missing, added, misnamed or invalid file.
 */
async function loadMigrations(folder) {
    const files = await readFiles(folder);
    const problems = new js_lib/* Problems */.Zw();
    for (const difference of compareToLock(await readLock(folder), files))
        problems.add(`${folder}: ${difference}`);
    problems.throwIfAny();
    const migrations = [];
    for (const file of files) {
        try {
            migrations.push(await importMigration(file));
        }
        catch (thrown) {
            if (!(thrown instanceof js_lib/* Failure */.HR))
                throw thrown;
            problems.add(thrown.message);
        }
    }
    problems.throwIfAny();
    return migrations;
}
/** Writes `migrations.lock.json` for what lies in `folder`; refuses to lock an edit of a line that is there already. */
async function writeLock(folder) {
    const files = await readFiles(folder);
    const known = await readLock(folder).catch(() => []);
    const problems = new js_lib/* Problems */.Zw();
    const added = new Set(files.map(({ id }) => id));
    for (const { id } of known)
        added.delete(id);
    for (const difference of compareToLock(known, files)) {
        if (!difference.includes('is not locked'))
            problems.add(`${folder}: ${difference}`);
    }
    problems.throwIfAny();
    await saveLock(folder, files);
}
/** @throws Failure `bad-input` for a name that is no migration's, or two with one number. */
async function readFiles(folder) {
    const names = await (0,promises_.readdir)(folder).catch((thrown) => {
        throw (0,js_lib/* badInput */.AN)(`${folder} cannot be read: ${(0,js_lib/* messageOf */.bD)(thrown)}`);
    });
    const problems = new js_lib/* Problems */.Zw();
    const files = [];
    for (const name of names.filter((one) => /\.[cm]?[jt]s$/.test(one) && !one.endsWith('.d.ts')).sort()) {
        const id = FILE.exec(name)?.[1];
        if (id === undefined) {
            problems.add(`${(0,external_node_path_.join)(folder, name)}: a migration is named like 001_create_collections.js`);
            continue;
        }
        const twin = files.find((file) => file.id.slice(0, 3) === id.slice(0, 3));
        if (twin !== undefined)
            problems.add(`${(0,external_node_path_.join)(folder, name)}: ${twin.id} has the number ${id.slice(0, 3)} already`);
        const text = await (0,promises_.readFile)((0,external_node_path_.join)(folder, name), 'utf8');
        files.push({ id, file: (0,external_node_path_.join)(folder, name), text, sha256: (0,release/* sha256 */.sc)(text) });
    }
    problems.throwIfAny();
    return files;
}
/**
 * Runs the text that was hashed, not the file again: what is locked is what runs. Such a module can import `node:` modules
 * only, so nothing outside the lock has a say.
 */
async function importMigration({ id, file, text, sha256: content }) {
    const url = `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`;
    let exported;
    try {
        // A bundler would otherwise make this import its own.
        const module = await import(__rewriteRelativeImportExtension(/* webpackIgnore: true */ url));
        exported = module.default;
    }
    catch (thrown) {
        throw (0,js_lib/* badInput */.AN)(`${file} cannot be loaded: ${(0,js_lib/* messageOf */.bD)(thrown).replace(url, id)}`);
    }
    return { id, sha256: content, ...checkDefinition(file, exported) };
}
function checkDefinition(file, exported) {
    const parsed = definitionSchema.safeParse(exported);
    if (!parsed.success) {
        const object = exported !== null && typeof exported === 'object' ? exported : {};
        if (!('down' in object) && !('irreversible' in object)) {
            throw (0,js_lib/* badInput */.AN)(`${file}: has neither down(context) nor irreversible: 'why'; write one of them`);
        }
        const { issues } = parsed.error;
        const nested = issues.flatMap((issue) => (issue.code === 'invalid_union' ? issue.errors.flat() : [issue]));
        const said = [...new Set(nested.map((issue) => `${issue.path.join('.') || 'default export'}: ${issue.message}`))];
        throw (0,js_lib/* badInput */.AN)(`${file}: ${said.join('; ')}`);
    }
    const definition = exported;
    if (!isDefinition(definition))
        throw (0,js_lib/* badInput */.AN)(`${file}: default export is no migration`);
    if (definition.timeout !== undefined)
        (0,js_lib/* parseDuration */.E9)(`${file}: timeout`, definition.timeout);
    return { phase: definition.phase, definition };
}
function isDefinition(value) {
    return definitionSchema.safeParse(value).success;
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./js/migrations/lease.js




const DEFAULT_TTL = 60_000;
const DEFAULT_WAIT = 75_000;
/** Milliseconds to give a lease back. */
const RELEASE_LIMIT = 3000;
const MOST_CUTS = 3;
/**
 * Takes the lease of a database: one owner works, everyone else waits.
 * @throws Failure `locked` that names the holder after `wait`, `unreachable` when the database went away; the signal's reason on abort.
 */
async function lease_takeLease(store, actor, purpose, options = {}) {
    const { ttl = DEFAULT_TTL, wait = DEFAULT_WAIT, fresh = ttl / 200, signal } = options;
    const token = (0,external_node_crypto_.randomUUID)();
    const until = performance.now() + wait;
    for (let cuts = 0;;) {
        signal?.throwIfAborted();
        const asked = performance.now();
        try {
            const holder = await store.take({ token, purpose, ...actor }, ttl);
            if (holder === null)
                return new Held(store, token, { ttl, fresh, asked });
            if (performance.now() >= until) {
                throw new js_lib/* Failure */.HR('locked', `the database is locked by ${holder.purpose} of ${holder.actor} on ${holder.host} (run ${holder.run}) until ${holder.expiresAt.toISOString()} unless renewed: wait for it or end it`);
            }
        }
        catch (thrown) {
            // Whether it was taken is told by the token that stands there.
            if (!isConnectionLoss(thrown) || ++cuts > MOST_CUTS)
                throw told(thrown, 'the lease cannot be taken');
        }
        await (0,external_node_timers_promises_.setTimeout)(Math.min(500, wait, ttl / 4), undefined, signal === undefined ? {} : { signal });
    }
}
class Held {
    token;
    #store;
    #ttl;
    #fresh;
    /** Milliseconds without a renewal: long before others may take it, so that what is on its way has time to arrive. */
    #patience;
    #lost = new AbortController();
    #loss = Promise.withResolvers();
    #heartbeat;
    #deadline;
    #renewedAt = 0;
    #renewing = null;
    #last = 'no answer';
    constructor(store, token, { ttl, fresh, asked }) {
        this.token = token;
        this.#store = store;
        this.#ttl = ttl;
        this.#fresh = fresh;
        this.#patience = ttl * 0.8;
        this.#loss.promise.catch(() => undefined);
        this.#arm(asked);
        this.#heartbeat = setInterval(() => void this.#renew().catch(() => undefined), ttl / 4).unref();
    }
    get signal() {
        return this.#lost.signal;
    }
    async check() {
        this.signal.throwIfAborted();
        if (performance.now() - this.#renewedAt < this.#fresh)
            return;
        // Those who ask at the same time get one answer.
        this.#renewing ??= this.#renew().finally(() => {
            this.#renewing = null;
        });
        await Promise.race([this.#loss.promise, this.#renewing]);
        this.signal.throwIfAborted();
    }
    orLost(question) {
        return Promise.race([this.#loss.promise, question]);
    }
    async regain() {
        for (;;) {
            try {
                return await this.check();
            }
            catch (thrown) {
                if (this.signal.aborted || !isConnectionLoss(thrown))
                    throw thrown;
                await Promise.race([this.#loss.promise, (0,external_node_timers_promises_.setTimeout)(Math.min(250, this.#ttl / 8))]);
            }
        }
    }
    async [Symbol.asyncDispose]() {
        clearInterval(this.#heartbeat);
        clearTimeout(this.#deadline);
        if (this.signal.aborted)
            return;
        // Left alone it runs out by itself; nobody waits for a database that does not answer.
        const released = this.#store.release(this.token).catch((thrown) => {
            if (isConnectionLoss(thrown))
                return this.#store.release(this.token);
            throw thrown;
        });
        await Promise.race([released, (0,external_node_timers_promises_.setTimeout)(RELEASE_LIMIT, undefined, { ref: false })]).catch(() => undefined);
    }
    async #renew() {
        const asked = performance.now();
        try {
            if (await this.#store.renew(this.token, this.#ttl))
                this.#arm(asked);
            else
                this.#lose('another owner has it');
        }
        catch (thrown) {
            this.#last = thrown;
            throw thrown;
        }
    }
    /** Counts from the question and runs out also when no answer ever comes. */
    #arm(asked) {
        if (this.signal.aborted || asked < this.#renewedAt)
            return;
        this.#renewedAt = asked;
        clearTimeout(this.#deadline);
        const left = this.#patience - (performance.now() - asked);
        this.#deadline = setTimeout(() => this.#lose(`not renewed for ${this.#patience} ms: ${(0,js_lib/* messageOf */.bD)(this.#last)}`), left).unref();
    }
    #lose(why) {
        clearInterval(this.#heartbeat);
        const failure = new js_lib/* Failure */.HR('failed', `the lease of the database was lost (${why}): stopped; run again to continue`);
        this.#lost.abort(failure);
        this.#loss.reject(failure);
    }
}

;// CONCATENATED MODULE: ./js/migrations/lint/finding.js
/** A finding as one line: `004_x.js:12: error destructive: …`. */
function formatFinding({ id, level, file, line, message, fix }) {
    return `${file}:${line}: ${level} ${id}: ${message}; ${fix}`;
}

;// CONCATENATED MODULE: ./js/migrations/lint/declarations.js

/** Milliseconds that `up` may take while it only notes down. */
const LIMIT = 5000;
const NO_DATABASE = new Proxy(Object.create(null), {
    get: () => {
        throw new Error('there is no database in a lint');
    },
});
/**
 * What `up` declares when nothing is done and there is no database: what it would ask of one ends it, and what it declared
 * until then counts.
 */
async function declarations_declarationsOf(definition) {
    const found = { collections: [], walks: [] };
    const end = new AbortController();
    const context = {
        db: NO_DATABASE,
        log: () => undefined,
        signal: end.signal,
        batches: Object.assign(async (walk) => void found.walks.push(walk), {
            restore: async () => undefined,
        }),
        schema: {
            collection: async (name, declaration) => void found.collections.push({ name, declaration }),
            restore: async () => undefined,
        },
    };
    const work = async () => definition.up(context);
    await Promise.race([(0,external_node_timers_promises_.setTimeout)(LIMIT, undefined, { signal: end.signal }), work().catch(() => undefined)]);
    end.abort();
    return found;
}

;// CONCATENATED MODULE: ./js/migrations/lint/json-schema.js
/** What MongoDB's `$jsonSchema` knows: draft 4 without references, formats and defaults, with bsonType. */
const KEYWORDS = [
    'additionalItems',
    'additionalProperties',
    'allOf',
    'anyOf',
    'bsonType',
    'dependencies',
    'description',
    'encrypt',
    'encryptMetadata',
    'enum',
    'exclusiveMaximum',
    'exclusiveMinimum',
    'items',
    'maximum',
    'maxItems',
    'maxLength',
    'maxProperties',
    'minimum',
    'minItems',
    'minLength',
    'minProperties',
    'multipleOf',
    'not',
    'oneOf',
    'pattern',
    'patternProperties',
    'properties',
    'required',
    'title',
    'type',
    'uniqueItems',
];
const OF_SCHEMAS = ['additionalItems', 'additionalProperties', 'items', 'not', 'allOf', 'anyOf', 'oneOf'];
const BY_NAME = ['properties', 'patternProperties', 'dependencies'];
/** What is wrong with `schema`, at any depth. */
function schemaProblems(schema) {
    if (schema === null || typeof schema !== 'object' || Array.isArray(schema))
        return [];
    const found = [];
    const entries = Object.entries(schema);
    for (const [keyword, value] of entries) {
        if (!KEYWORDS.includes(keyword)) {
            const message = `$jsonSchema has no keyword "${keyword}": a server refuses the whole validator`;
            found.push({
                word: keyword,
                message,
                fix: 'remove it: MongoDB knows draft 4 without references, formats and defaults',
            });
        }
        else if (keyword === 'type' && list(value).includes('integer')) {
            const message = 'type "integer" is unknown to MongoDB';
            found.push({ word: 'integer', message, fix: "write bsonType: ['int', 'long', 'double']" });
        }
        else if (keyword === 'bsonType' && list(value).some((one) => one === 'int' || one === 'long')) {
            if (!list(value).includes('double')) {
                const message = `bsonType "${list(value).join(', ')}" alone refuses whole numbers that a driver sends as double`;
                found.push({ word: 'bsonType', message, fix: "write bsonType: ['int', 'long', 'double']" });
            }
        }
        if (BY_NAME.includes(keyword))
            found.push(...valuesOf(value).flatMap(schemaProblems));
        else if (OF_SCHEMAS.includes(keyword))
            found.push(...(Array.isArray(value) ? value : [value]).flatMap(schemaProblems));
    }
    return found;
}
function list(value) {
    return Array.isArray(value) ? value : [value];
}
function valuesOf(value) {
    return value !== null && typeof value === 'object' ? Object.values(value) : [];
}

;// CONCATENATED MODULE: ./js/migrations/lint/rule.js
/** Collections whose documents are kept for years, and prove themselves by hashes. */
const RECORDS = ['digitalsignatures', 'auditlogs'];

// EXTERNAL MODULE: ../../node_modules/acorn/dist/acorn.mjs
var acorn = __webpack_require__(8851);
// EXTERNAL MODULE: ../../node_modules/acorn-walk/dist/walk.mjs
var walk = __webpack_require__(7925);
;// CONCATENATED MODULE: ./js/migrations/lint/source.js


/** @throws SyntaxError with its place */
function readSource(file, text) {
    const program = (0,acorn/* parse */.qg)(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true, allowHashBang: true });
    const exported = exportedObject(program);
    const calls = [];
    (0,walk/* ancestor */.ai)(program, {
        CallExpression(node, _state, ancestors) {
            const call = describe(node, ancestors, exported);
            if (call !== null)
                calls.push(call);
        },
    });
    return { file, exported, program, calls };
}
/** The value of a property, or undefined. */
function property(object, name) {
    for (const entry of object?.properties ?? []) {
        if (entry.type !== 'Property')
            continue;
        const { key } = entry;
        if ((key.type === 'Identifier' && key.name === name) || (key.type === 'Literal' && key.value === name)) {
            return entry.value;
        }
    }
    return undefined;
}
/** A literal's value; undefined for anything that is computed. */
function literal(node) {
    if (node?.type === 'Literal')
        return node.value;
    return node?.type === 'TemplateLiteral' && node.expressions.length === 0 ? node.quasis[0]?.value.cooked : undefined;
}
function lineOf(node) {
    return node?.loc?.start.line ?? 1;
}
/** Every node at and below `root`. */
function visit(root, found) {
    (0,walk/* full */.a2)(root, (node) => found(node));
}
function exportedObject(program) {
    for (const statement of program.body) {
        if (statement.type !== 'ExportDefaultDeclaration')
            continue;
        const { declaration } = statement;
        if (declaration.type === 'ObjectExpression')
            return declaration;
        if (declaration.type === 'CallExpression' && declaration.arguments[0]?.type === 'ObjectExpression') {
            return declaration.arguments[0];
        }
    }
    return null;
}
function describe(node, ancestors, exported) {
    const path = [];
    let collection = null;
    let callee = node.callee;
    for (;;) {
        if (callee.type === 'ChainExpression')
            callee = callee.expression;
        else if (callee.type === 'CallExpression') {
            const inner = describe(callee, [], null);
            if (inner?.method === 'collection')
                collection = nameIn(inner);
            callee = callee.callee;
        }
        else if (callee.type === 'MemberExpression') {
            path.unshift(callee.property.type === 'Identifier' ? callee.property.name : '');
            callee = callee.object;
        }
        else {
            if (callee.type === 'Identifier')
                path.unshift(callee.name);
            break;
        }
    }
    const method = path.pop();
    if (method === undefined || method === '')
        return null;
    const call = {
        method,
        path,
        collection,
        args: node.arguments,
        line: lineOf(node),
        within: functionOf(ancestors, exported),
    };
    if (method === 'collection' && path.at(-1) === 'schema')
        call.collection = nameIn(call);
    if (method === 'batches' && node.arguments[0]?.type === 'ObjectExpression') {
        const name = literal(property(node.arguments[0], 'collection'));
        if (typeof name === 'string')
            call.collection = name;
    }
    return call;
}
function nameIn({ args }) {
    const [first] = args;
    const value = first?.type === 'SpreadElement' ? undefined : literal(first);
    return typeof value === 'string' ? value : null;
}
/** Which member of the exported object a node stands in. */
function functionOf(ancestors, exported) {
    for (const entry of exported?.properties ?? []) {
        if (entry.type !== 'Property' || !ancestors.some((node) => node === entry))
            continue;
        return entry.key.type === 'Identifier' ? entry.key.name : null;
    }
    return null;
}

;// CONCATENATED MODULE: ./js/migrations/lint/places.js

/** Calls of the author's own on the database, in `up`; what `schema` and `batches` do is guarded by the engine. */
function ownCalls({ calls }) {
    return calls.filter(({ within, path }) => within !== 'down' && within !== 'check' && !path.includes('schema'));
}
/** Whether an object literal among `args`, at any depth, has `key` (with `value` when given). */
function has(args, key, value) {
    return args.some((arg) => {
        let found = false;
        visit(arg, (node) => {
            const there = node.type === 'ObjectExpression' ? property(node, key) : undefined;
            if (there !== undefined && (value === undefined || literal(there) === value))
                found = true;
        });
        return found;
    });
}
/** The line of the first `key` among `args`, at any depth. */
function lineOfKey(args, key) {
    let line = null;
    for (const arg of args) {
        visit(arg, (node) => {
            const there = node.type === 'ObjectExpression' ? property(node, key) : undefined;
            if (there !== undefined)
                line ??= lineOf(there);
        });
    }
    return line;
}
/** Places in `up` where an object has one of `names` as a key. */
function keysIn(source, names) {
    const found = [];
    visitUp(source, (node) => {
        if (node.type !== 'ObjectExpression')
            return;
        for (const name of names) {
            const there = property(node, name);
            if (there !== undefined)
                found.push({ name, line: lineOf(there) });
        }
    });
    return found;
}
/** Whether an argument is left out or is `{}`. */
function isEmpty(node) {
    return node === undefined || (node.type === 'ObjectExpression' && node.properties.length === 0);
}
/** Whether `name` stands anywhere at or below `node`. */
function mentions(node, name) {
    let found = false;
    visit(node, (inner) => {
        if (inner.type === 'Identifier' && inner.name === name)
            found = true;
    });
    return found;
}
function visitUp({ exported }, found) {
    const up = property(exported, 'up');
    if (up !== undefined)
        visit(up, found);
}

;// CONCATENATED MODULE: ./js/migrations/lint/collection-rules.js

const INDEX_CALLS = /^(createIndex|createIndexes|dropIndex|dropIndexes)$/;
/** What the driver's own calls do to a collection without the look that `schema` takes first. */
const COLLECTION_RULES = [
    {
        id: 'unique-unchecked',
        level: 'error',
        assurable: true,
        fix: 'declare it in schema.collection, which counts duplicates first',
        find: (source) => ownCalls(source)
            .filter(({ method, args }) => /^createIndex(es)?$/.test(method) && has(args, 'unique', true))
            .map(({ line }) => ({
            line,
            message: 'a unique index is built without a look for duplicates: it fails halfway',
        })),
    },
    {
        id: 'strict-uncounted',
        level: 'error',
        assurable: true,
        fix: 'declare it in schema.collection, which counts first and warns before it is strict',
        find: (source) => ownCalls(source)
            .filter(({ args }) => has(args, 'validator') && !has(args, 'validationLevel', 'moderate') && !has(args, 'validationLevel', 'off'))
            .map(({ line }) => ({
            line,
            message: 'a strict validator is set without counting the documents that it would refuse',
        })),
    },
    {
        id: 'transaction-index',
        level: 'error',
        assurable: false,
        fix: 'build the index outside the transaction',
        find: (source) => {
            const transaction = source.calls.find(({ method }) => method === 'withTransaction' || method === 'startTransaction');
            if (transaction === undefined)
                return [];
            return source.calls
                .filter(({ method, within }) => INDEX_CALLS.test(method) && within === transaction.within)
                .map(({ method, line }) => ({
                line,
                message: `${method} beside a transaction: a server refuses it on a collection with documents`,
            }));
        },
    },
];

;// CONCATENATED MODULE: ./js/migrations/lint/loss-rules.js


const DESTRUCTIVE = /^(drop|dropCollection|dropDatabase|dropIndex|dropIndexes|rename|renameCollection|deleteOne|deleteMany|findOneAndDelete)$/;
const WHOLE = /^(updateMany|deleteMany)$/;
/** What takes data away, or changes what must stay. */
const LOSS_RULES = [
    {
        id: 'destructive',
        level: 'error',
        assurable: true,
        fix: "say under assured: { destructive: '…' } who does not need it any more, and since which release",
        find: (source) => [
            ...ownCalls(source)
                .filter(({ method, path }) => DESTRUCTIVE.test(method) && path.length > 0)
                .map(({ method, line }) => ({ line, message: `${method} takes away what running code may still read` })),
            ...keysIn(source, ['$rename', 'dropIndexes']).map(({ name, line }) => ({
                line,
                message: `${name} takes away what running code may still read`,
            })),
            ...propertiesOf(source, 'unset').map((line) => ({
                line,
                message: 'unset takes away fields that running code may still read',
            })),
        ],
    },
    {
        id: 'whole-collection',
        level: 'error',
        assurable: true,
        fix: 'use batches, which stops, continues and can be undone',
        find: (source) => ownCalls(source)
            .filter(({ method, args }) => WHOLE.test(method) && isEmpty(args[0]))
            .map(({ method, line }) => ({
            line,
            message: `${method} with an empty filter changes the whole collection at once`,
        })),
    },
    {
        id: 'signed-record',
        level: 'error',
        assurable: true,
        fix: 'leave signed records as they were signed (21 CFR 11.70), or assure that hashes and links are kept',
        find: (source) => source.calls
            .filter(({ within }) => within !== 'down' && within !== 'check')
            .filter(({ method, collection }) => collection !== null &&
            RECORDS.includes(collection) &&
            /^(batches|update|replace|delete|bulkWrite|findOneAnd|rename|drop)/.test(method))
            .map(({ collection, line }) => ({
            line,
            message: `documents of ${collection} are changed: their hashes no longer prove them`,
        })),
    },
    {
        id: 'record-ttl',
        level: 'error',
        assurable: false,
        fix: 'remove the index: these records are kept for years',
        find: (source) => ttlHits(source).filter(({ collection }) => collection !== null && RECORDS.includes(collection)),
    },
    {
        id: 'ttl',
        level: 'warning',
        assurable: true,
        fix: 'read in the plan how many it deletes now, and say under assured why they may go',
        find: (source) => ttlHits(source).filter(({ collection }) => collection === null || !RECORDS.includes(collection)),
    },
];
/** Lines where `change` of a walk gives `name`. */
function propertiesOf(source, name) {
    return keysIn(source, [name])
        .filter(() => source.calls.some(({ method }) => method === 'batches'))
        .map(({ line }) => line);
}
function ttlHits(source) {
    return source.calls
        .filter(({ within, args }) => within !== 'down' && has(args, 'expireAfterSeconds'))
        .map(({ line, args, collection }) => ({
        line: lineOfKey(args, 'expireAfterSeconds') ?? line,
        collection,
        message: `documents of ${collection ?? 'a collection'} expire by a TTL index`,
    }));
}

;// CONCATENATED MODULE: ./js/migrations/lint/rerun-rules.js


const NOT_REPEATABLE = /^(insertOne|insertMany)$/;
/** What goes wrong when a migration is cut, runs again, or has to end. */
const RERUN_RULES = [
    {
        id: 'not-repeatable',
        level: 'error',
        assurable: true,
        fix: 'use an upsert by a fixed _id or batches, or let check tell and assure it',
        find: (source) => [
            ...ownCalls(source)
                .filter(({ method, path }) => NOT_REPEATABLE.test(method) && path.length > 0)
                .map(({ method, line }) => ({ line, message: `${method} runs twice after a cut` })),
            ...keysIn(source, ['$inc', '$mul', '$push']).map(({ name, line }) => ({
                line,
                message: `${name} adds twice after a cut`,
            })),
        ],
    },
    {
        id: 'raw-command',
        level: 'warning',
        assurable: true,
        fix: 'use schema or batches, or say under assured what it does and why it can run twice',
        find: (source) => ownCalls(source)
            .filter(({ method, path }) => /^(command|runCommand|adminCommand|runCursorCommand)$/.test(method) && path.length > 0)
            .map(({ line }) => ({ line, message: 'a raw command is neither planned nor undone' })),
    },
    {
        id: 'endless',
        level: 'warning',
        assurable: true,
        fix: 'stop when signal.aborted is true: a lost lease must end the loop',
        find: ({ program, calls }) => {
            const hits = [];
            visit(program, (node) => {
                const isEndless = (node.type === 'WhileStatement' && literal(node.test) === true) ||
                    (node.type === 'ForStatement' && !node.test);
                if (isEndless && !mentions(node, 'signal'))
                    hits.push({ line: lineOf(node), message: 'a loop that asks neither its end nor signal' });
            });
            return calls.length === 0 ? [] : hits;
        },
    },
    {
        id: 'import',
        level: 'error',
        assurable: false,
        fix: 'write what is needed into this file: only what is locked may have a say',
        find: ({ program }) => program.body.flatMap((statement) => statement.type === 'ImportDeclaration' && !String(statement.source.value).startsWith('node:')
            ? [
                {
                    line: lineOf(statement),
                    message: `import of ${String(statement.source.value)}: a migration can import node: modules only`,
                },
            ]
            : []),
    },
];

;// CONCATENATED MODULE: ./js/migrations/lint/rules.js



/** All that is looked for in the source of one migration. */
const RULES = [...LOSS_RULES, ...COLLECTION_RULES, ...RERUN_RULES];

;// CONCATENATED MODULE: ./js/migrations/lint/sequence.js


/** What two migrations have against each other. */
function sequenceFindings(linted, { released }) {
    const findings = [];
    for (const [index, one] of linted.entries()) {
        const before = linted.slice(0, index);
        const file = (0,external_node_path_.basename)(one.file.file);
        const line = lineOf(property(one.source.exported, 'phase'));
        const { phase } = one.definition;
        const isNew = (id) => released !== undefined && !released.includes(id);
        if (phase === 'contract' && isNew(one.file.id)) {
            const young = before.findLast(({ definition, file: other }) => definition.phase !== 'contract' && isNew(other.id));
            if (young !== undefined) {
                const message = `a contract in the release of ${young.file.id} (${young.definition.phase}): the release before still needs the old shape`;
                findings.push({
                    id: 'contract-too-early',
                    level: 'error',
                    file,
                    line,
                    message,
                    fix: 'ship it with a later release',
                });
            }
        }
        if (phase === 'expand') {
            const needed = before.find(({ definition, file: other }) => definition.phase === 'contract' &&
                !(released ?? []).includes(other.id) &&
                shareCollection(other.id, one, linted));
            if (needed !== undefined) {
                const message = `an expand over what the earlier contract ${needed.file.id} changes: expands run before contracts`;
                findings.push({
                    id: 'expand-after-contract',
                    level: 'error',
                    file,
                    line,
                    message,
                    fix: 'ship it once that contract is applied everywhere',
                });
            }
        }
    }
    return findings;
}
function shareCollection(id, one, linted) {
    const namesOf = ({ source, declared }) => new Set([
        ...declared.collections.map(({ name }) => name),
        ...declared.walks.map(({ collection }) => collection),
        ...source.calls.filter(({ within }) => within === 'up').flatMap(({ collection }) => collection ?? []),
    ]);
    const other = linted.find(({ file }) => file.id === id);
    return other !== undefined && [...namesOf(other)].some((name) => namesOf(one).has(name));
}

;// CONCATENATED MODULE: ./js/migrations/lint/lint.js










/** Reads every migration of `folder` without a database and says what would hurt one, the worst of each file first. */
async function lintMigrations(folder, options = {}) {
    const findings = [];
    const files = await readFiles(folder);
    findings.push(...(await lockFindings(folder, files)));
    const linted = [];
    for (const file of files) {
        const name = (0,external_node_path_.basename)(file.file);
        const problem = (line, id, message, fix) => findings.push({ id, level: 'error', file: name, line, message, fix });
        let source;
        try {
            source = readSource(name, file.text);
        }
        catch (thrown) {
            const line = Number(/\((\d+):\d+\)/.exec((0,js_lib/* messageOf */.bD)(thrown))?.[1] ?? 1);
            problem(line, 'syntax', (0,js_lib/* messageOf */.bD)(thrown), 'write it so that Node can read it');
            continue;
        }
        for (const member of ['check', 'phase', 'description']) {
            if (source.exported !== null && property(source.exported, member) === undefined) {
                problem(lineOf(source.exported), `missing-${member}`, `there is no ${member}`, `write ${member}`);
            }
        }
        if (source.exported !== null && !property(source.exported, 'down') && !property(source.exported, 'irreversible')) {
            const fix = "write down(context), which mostly restores, or irreversible: 'why'";
            problem(lineOf(source.exported), 'missing-down', 'it can neither be undone nor says why not', fix);
        }
        try {
            const { definition } = await importMigration(file);
            linted.push({ file, source, definition, declared: await declarations_declarationsOf(definition) });
        }
        catch (thrown) {
            if (!(thrown instanceof js_lib/* Failure */.HR))
                throw thrown;
            const isKnown = findings.some((one) => one.file === name);
            if (!isKnown)
                problem(lineOf(source.exported), 'shape', thrown.message.replace(`${file.file}: `, ''), 'write what it asks for');
        }
        findings.push(...ruleFindings(name, source, assurancesIn(source)));
    }
    for (const one of linted)
        findings.push(...declarationFindings(one));
    findings.push(...sequenceFindings(linted, options));
    return unique(findings);
}
async function lockFindings(folder, files) {
    const fix = 'see the message; the lock is committed with the migrations';
    const finding = (message) => {
        const file = files.find(({ id }) => message.startsWith(id));
        return {
            id: 'lock',
            level: 'error',
            file: file ? (0,external_node_path_.basename)(file.file) : 'migrations.lock.json',
            line: 1,
            message,
            fix,
        };
    };
    try {
        return compareToLock(await readLock(folder), files).map(finding);
    }
    catch (thrown) {
        return [finding((0,js_lib/* messageOf */.bD)(thrown))];
    }
}
/** Rules for which the migration says why they do not matter here. */
function assurancesIn({ exported }) {
    const assured = property(exported, 'assured');
    const names = new Set();
    if (assured?.type !== 'ObjectExpression')
        return names;
    for (const entry of assured.properties) {
        if (entry.type !== 'Property')
            continue;
        if (entry.key.type === 'Identifier')
            names.add(entry.key.name);
        else if (entry.key.type === 'Literal')
            names.add(String(entry.key.value));
    }
    return names;
}
function ruleFindings(file, source, assured) {
    return RULES.filter(({ id, assurable }) => !assurable || !assured.has(id)).flatMap(({ id, level, fix, find }) => find(source).map(({ line, message }) => ({ id, level, file, line, message, fix })));
}
/** What only shows when `up` has said what it declares, by whatever code. */
function declarationFindings({ file, source, declared, definition }) {
    const name = (0,external_node_path_.basename)(file.file);
    const up = lineOf(property(source.exported, 'up'));
    const findings = [];
    for (const { name: collection, declaration } of declared.collections) {
        for (const { word, message, fix } of schemaProblems(declaration.schema)) {
            findings.push({
                id: 'schema-keyword',
                level: 'error',
                file: name,
                line: lineOfWord(file.text, word) ?? up,
                message,
                fix,
            });
        }
        for (const index of declaration.indexes ?? []) {
            if (index.expireAfterSeconds === undefined || !RECORDS.includes(collection))
                continue;
            const line = lineOfWord(file.text, 'expireAfterSeconds') ?? up;
            const message = `documents of ${collection} would expire by a TTL index`;
            findings.push({
                id: 'record-ttl',
                level: 'error',
                file: name,
                line,
                message,
                fix: 'remove the index: these records are kept for years',
            });
        }
    }
    for (const { collection } of declared.walks) {
        if (!RECORDS.includes(collection) || definition.assured?.['signed-record'] !== undefined)
            continue;
        const message = `documents of ${collection} are changed: their hashes no longer prove them`;
        findings.push({
            id: 'signed-record',
            level: 'error',
            file: name,
            line: up,
            message,
            fix: 'leave signed records as they were signed (21 CFR 11.70)',
        });
    }
    return findings;
}
function lineOfWord(text, word) {
    const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const line = text.split('\n').findIndex((one) => new RegExp(`(^|[^\\w$])${escaped}([^\\w$]|$)`).test(one));
    return line < 0 ? null : line + 1;
}
function unique(findings) {
    const seen = new Map(findings.map((one) => [`${one.file} ${one.line} ${one.id} ${one.id === 'schema-keyword' ? one.message : ''}`, one]));
    return [...seen.values()].sort((one, other) => one.file === other.file ? one.line - other.line : one.file < other.file ? -1 : 1);
}

;// CONCATENATED MODULE: ./js/migrations/ledger-writer.js

/** Writes ledger and history for the owner of a lease; the history's line goes first. */
class ledger_writer_LedgerWriter {
    #store;
    #lease;
    #actor;
    #owners;
    #last;
    constructor(store, lease, actor, { entries, history }) {
        this.#store = store;
        this.#lease = lease;
        this.#actor = actor;
        this.#owners = new Map(entries.map(({ _id, owner }) => [_id, owner]));
        this.#last = Math.max(0, ...history.map(({ _id }) => _id));
    }
    /** The entry with which work on a migration begins; takes over the progress of an interrupted run. */
    begin({ id, sha256, phase }, state, progress) {
        const common = { _id: id, sha256, phase, state, ...this.#actor, owner: this.#lease.token };
        return { ...common, startedAt: this.#store.now(), finishedAt: null, progress, error: null };
    }
    /** Adds a line to the history, then writes the entry. */
    async announce(event, entry, note) {
        await this.#lease.check();
        await this.#append(event, entry, note);
        await this.write(entry);
    }
    /** Writes the entry alone. @throws Failure `failed` when another owner has written it */
    async write(entry) {
        await this.#lease.check();
        const owned = await this.#lease.orLost(this.#store.put(entry, this.#owners.get(entry._id) ?? null));
        if (!owned)
            throw taken(entry._id);
        this.#owners.set(entry._id, entry.owner);
    }
    /** Adds a line to the history, then removes the entry: the migration is pending again. */
    async remove(event, entry, note) {
        await this.#lease.check();
        await this.#append(event, entry, note);
        await this.#lease.check();
        const owner = this.#owners.get(entry._id) ?? entry.owner;
        if (!(await this.#lease.orLost(this.#store.remove(entry._id, owner))))
            throw taken(entry._id);
        this.#owners.delete(entry._id);
    }
    now() {
        return this.#store.now();
    }
    async #append(event, { _id, sha256, phase }, note) {
        this.#last += 1;
        const at = this.#store.now();
        const line = { _id: this.#last, migration: _id, event, sha256, phase, ...this.#actor, at, note };
        await this.#lease.orLost(this.#store.append(line));
    }
}
function taken(id) {
    return new js_lib/* Failure */.HR('failed', `the ledger's entry of ${id} was written by someone else meanwhile: stopped`);
}

;// CONCATENATED MODULE: ./js/migrations/verify.js





/** Asks `check`, which can only read. */
async function verify_ask(store, { id, definition, ...rest }, log, signal) {
    const limit = checkLimitOf({ id, definition, ...rest });
    try {
        const answer = await time_limit_within(store, `check of ${id}`, limit, signal, (inner) => definition.check({
            get db() {
                return store.db('read');
            },
            log,
            signal: inner,
        }));
        if (answer === true)
            return { kind: 'done' };
        if (answer === false)
            return { kind: 'not-done' };
        return { kind: 'unclear', why: `it gave ${answer === null ? 'null' : typeof answer} instead of true or false` };
    }
    catch (thrown) {
        signal.throwIfAborted();
        if (isConnectionLoss(thrown))
            throw thrown;
        return { kind: 'unclear', why: failures_withoutValues(thrown) };
    }
}
/**
 * Whether the work is really done: by the migration's own `check`, and by what it declared. A `check` that says so while a
 * collection is not as declared does not count.
 * @throws Failure `failed` that names what is not as it should be.
 */
async function verify(store, migration, declared, log, signal) {
    const { id } = migration;
    const last = new Map(declared.collections.map(({ name, declaration }) => [name, declaration]));
    const left = [];
    for (const [name, declaration] of last) {
        left.push(...differences(name, declaration, await store.catalog.describe(name), true));
    }
    const answer = await verify_ask(store, migration, log, signal);
    if (left.length > 0) {
        const lied = answer.kind === 'done' ? ', though its check says it is' : '';
        throw new js_lib/* Failure */.HR('failed', `${id} is not done${lied}: ${left.join('; ')}`);
    }
    if (answer.kind === 'not-done')
        throw new js_lib/* Failure */.HR('failed', `${id} ran to its end, but its check says it is not done`);
    if (answer.kind === 'unclear')
        throw new js_lib/* Failure */.HR('failed', `${id} ran to its end, but its check failed: ${answer.why}`);
}

;// CONCATENATED MODULE: ./js/migrations/mark.js
var __addDisposableResource = (undefined && undefined.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var __disposeResources = (undefined && undefined.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});





/**
 * A person says what is true of a migration that nothing else can tell: interrupted with an unclear check, or a ledger edited by hand.
 * @throws Failure `bad-input` for an unknown id or no reason, `refused` when there is nothing to settle or the migration's own
 *   check says the contrary.
 */
async function mark(store, migrations, id, state, options) {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const migration = migrations.find((one) => one.id === id);
        if (migration === undefined) {
            throw badInput(`${id} is no migration of this release, which has ${migrations.map((one) => one.id).join(', ') || 'none'}`);
        }
        if (options.reason.trim().length < 10)
            throw badInput('reason: say in at least 10 characters how you found out');
        const { run, actor, host, signal, reason } = options;
        const lease = __addDisposableResource(env_1, await takeLease(store.lease, { run, actor, host }, 'mark', { ...options.lease, signal }), true);
        const ledger = await store.ledger.read();
        const present = ledger.entries.find(({ _id }) => _id === id);
        refuseSettled(migration, present, ledger.history);
        const { kind } = await ask(store, migration, () => undefined, AbortSignal.any([signal, lease.signal]));
        if (kind === (state === 'applied' ? 'not-done' : 'done')) {
            throw refused(`${id} cannot be marked ${state}: its check says that it is ${kind === 'done' ? 'done' : 'not done'}`);
        }
        const writer = new LedgerWriter(store.ledger, lease, { run, actor, host }, ledger);
        const entry = writer.begin(migration, 'applied', present?.progress ?? {});
        if (state === 'applied') {
            await writer.announce('marked-applied', { ...entry, finishedAt: writer.now() }, reason);
            return;
        }
        if (present === undefined) {
            await writer.announce('marked-pending', { ...entry, state: 'failed', error: reason }, reason);
        }
        await writer.remove('marked-pending', entry, reason);
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = __disposeResources(env_1);
        if (result_1)
            await result_1;
    }
}
/** What ledger and history both say needs nobody's word. */
function refuseSettled({ id, sha256 }, entry, history) {
    const lines = history.filter(({ migration }) => migration === id);
    if (contradictions(entry === undefined ? [] : [entry], lines).length > 0)
        return;
    if (entry === undefined)
        throw refused(`${id} is pending, and its history says nothing else: run it`);
    if (entry.sha256 !== sha256) {
        throw refused(`${id} is ${entry.state} in this database with another content: mark it with the release that ran it (--release)`);
    }
    if (entry.state !== 'applied')
        return;
    throw refused(`${id} is applied, and its history says the same: there is nothing to settle; to take it back, undo it`);
}

;// CONCATENATED MODULE: ./js/migrations/mongo/access.js



/** Milliseconds until a server that does not answer is given up. */
const NO_ANSWER = 10_000;
/** Makes clients that speak to this one server. They connect with their first call. */
async function clientsFor(address, options = {}) {
    const { username, password = '', authSource = 'admin' } = address;
    const where = address.socket === undefined ? whereOf(address) : encodeURIComponent(address.socket);
    const all = {
        directConnection: true,
        appName: 'pacs-deploy',
        serverSelectionTimeoutMS: NO_ANSWER,
        connectTimeoutMS: NO_ANSWER,
        writeConcern: { w: 'majority', journal: true },
        ...(username === undefined ? {} : { auth: { username, password }, authSource }),
        ...(address.tls === undefined ? {} : await tlsOptions(address.tls)),
        ...options,
    };
    return () => new lib.MongoClient(`mongodb://${where}/`, all);
}
/**
 * Connects `client`.
 * @throws Failure `unreachable` when nothing answers, `bad-input` for wrong credentials or the wrong certificate.
 */
async function connectTo(address, client) {
    try {
        await client.connect();
    }
    catch (thrown) {
        await client.close().catch(() => undefined);
        throw access_describe(whereOf(address), address.username, thrown);
    }
}
function whereOf({ host = '127.0.0.1', port = 27017, socket }) {
    return socket ?? `${host}:${port}`;
}
async function tlsOptions({ caFile, serverName }) {
    const options = {};
    if (caFile !== undefined)
        options.ca = [await (0,promises_.readFile)(caFile)];
    if (serverName !== undefined)
        options.servername = serverName;
    return { tls: true, ...options };
}
function access_describe(where, username, thrown) {
    const said = (0,js_lib/* messageOf */.bD)(thrown);
    const cause = { cause: thrown };
    if (/auth|\b18\b|SCRAM/i.test(said)) {
        return new js_lib/* Failure */.HR('bad-input', `the database at ${where} refused the credentials of ${username ?? 'nobody'}`, cause);
    }
    if (/certificate|altname|self-signed/i.test(said)) {
        return new js_lib/* Failure */.HR('bad-input', `the database at ${where} is not the one that its certificate names: ${said}`, cause);
    }
    return new js_lib/* Failure */.HR('unreachable', `no database answered at ${where} within ${NO_ANSWER / 1000} s: ${said}`, cause);
}

;// CONCATENATED MODULE: ./js/migrations/bson-document.js


/** A document for an author's code: numbers as numbers, dates as dates. */
function readDocument(bytes) {
    return lib.BSON.deserialize(bytes);
}
const EXACT = { promoteValues: false, promoteBuffers: false, promoteLongs: false, bsonRegExp: true };
/**
 * A document that is written back as exactly these bytes: every value keeps its BSON type, every field its place.
 * @throws Error for a document that cannot be.
 */
function readExactly(bytes) {
    const document = lib.BSON.deserialize(bytes, EXACT);
    if (Buffer.compare(lib.BSON.serialize(document), bytes) === 0)
        return document;
    // Objects of JavaScript put names like "1" first; maps do not.
    const map = readMap(bytes);
    if (Buffer.compare(lib.BSON.serialize(map), bytes) === 0)
        return map;
    throw new Error('a document holds values that the driver cannot write back as they were');
}
const EMBEDDED = 3;
const ARRAY = 4;
function readMap(bytes) {
    const map = new Map();
    for (const [name, field] of fieldsOf(bytes)) {
        const value = field.subarray(1);
        if (field[0] === EMBEDDED)
            map.set(name, readMap(value));
        else if (field[0] === ARRAY)
            map.set(name, [...readMap(value).values()]);
        else
            map.set(name, readValue(field));
    }
    return map;
}
/** One value by a document that holds it alone. */
function readValue(field) {
    const head = Buffer.alloc(4);
    head.writeInt32LE(4 + 3 + field.length - 1 + 1);
    const document = Buffer.concat([head, field.subarray(0, 1), Buffer.from('v\0'), field.subarray(1), Buffer.alloc(1)]);
    return lib.BSON.deserialize(document, EXACT).v;
}
/** The top-level fields of a document as bytes: type, name and value of each. */
function fieldsOf(bytes) {
    const fields = new Map();
    for (const [type, nameOffset, nameLength, offset, length] of lib.BSON.onDemand.parseToElements(bytes)) {
        const name = Buffer.from(bytes.buffer, bytes.byteOffset + nameOffset, nameLength).toString('utf8');
        const value = Buffer.allocUnsafe(length + 1);
        value[0] = type;
        value.set(bytes.subarray(offset, offset + length), 1);
        fields.set(name, value);
    }
    return fields;
}
/**
 * SHA-256 over the top-level fields whatever their order: a server appends new fields in an order of its own, and a
 * field within a field keeps its place.
 */
function documentHash(fields) {
    const hash = (0,external_node_crypto_.createHash)('sha256');
    for (const name of [...fields.keys()].sort()) {
        const value = fields.get(name);
        if (value === undefined)
            continue;
        hash.update(`${Buffer.byteLength(name)}:${name}:${value.length}:`).update(value);
    }
    return hash.digest('hex');
}
/** The fields after `set` and `unset`. */
function changeFields(fields, set, unset) {
    const changed = new Map(fields);
    for (const name of unset)
        changed.delete(name);
    for (const [name, value] of fieldsOf(lib.BSON.serialize(set)))
        changed.set(name, value);
    return changed;
}
/** An `_id` as text that `readId` understands; keeps its type. */
function writeId(id) {
    return lib.BSON.EJSON.stringify({ id }, { relaxed: false });
}
/** An `_id` as a person reads and types it: "r7", 7 or {"$oid":"…"}. */
function bson_document_nameId(id) {
    return lib.BSON.EJSON.stringify({ id }, { relaxed: true }).slice('{"id":'.length, -1);
}
function readId(text) {
    return lib.BSON.EJSON.parse(text, { relaxed: false }).id;
}

;// CONCATENATED MODULE: ./js/migrations/mongo/before.js




/** A document of 16 MB does not fit into another one: it is kept in parts. */
const PART = 8 * 1024 * 1024;
/** Images that are read and written at once. */
const AT_ONCE = 500;
const partSchema = schemas/* object */.Ikc({
    _id: schemas/* string */.YjP(),
    migration: schemas/* string */.YjP(),
    collection: schemas/* string */.YjP(),
    id: schemas/* string */.YjP(),
    part: schemas/* number */.aig(),
    parts: schemas/* number */.aig(),
    before: schemas/* instanceof */.Nlp(lib.Binary),
    writtenHash: schemas/* string */.YjP(),
});
const catalogSchema = schemas/* object */.Ikc({ migration: schemas/* string */.YjP(), collection: schemas/* string */.YjP(), before: schemas/* string */.YjP() });
const stateSchema = schemas/* nullable */.mee(schemas/* object */.Ikc({
    options: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J()),
    validation: schemas/* nullable */.mee(schemas/* object */.Ikc({
        validator: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J()),
        level: schemas/* enum */.k5n(['off', 'moderate', 'strict']),
        action: schemas/* enum */.k5n(['warn', 'error', 'errorAndLog']),
    })),
    indexes: schemas/* array */.YOg(schemas/* object */.Ikc({
        name: schemas/* string */.YjP(),
        key: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J()),
        options: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J()),
    })),
}));
/** Before-images as `_migrations_before`; the prefix of an `_id` is the migration, so no further index is needed. */
function mongoBefore(db) {
    const parts = db.collection('_migrations_before');
    const ofMigration = (migration) => ({ _id: { $gte: `${migration}/`, $lt: `${migration}0` } });
    const read = (documents) => joinParts(documents.map((document) => partSchema.parse(document)));
    return {
        async save(images, fresh) {
            for (const some of chunks(images.flatMap(toParts))) {
                if (fresh && (await insertAll(parts, some)))
                    continue;
                const operations = some.map(({ _id, ...rest }) => ({
                    replaceOne: { filter: { _id }, replacement: rest, upsert: true },
                }));
                await parts.bulkWrite(operations, { ordered: false });
            }
        },
        has: async (migration) => (await parts.findOne(ofMigration(migration), { projection: { _id: 1 } })) !== null,
        async find(migration, collection, ids) {
            const first = ids.map((id) => partId({ migration, collection, id: writeId(id) }, 0));
            const found = (await parts.find({ _id: { $in: first } }).toArray()).map((document) => partSchema.parse(document));
            const more = found.flatMap((part) => Array.from({ length: part.parts - 1 }, (_, index) => partId(part, index + 1)));
            const others = more.length === 0 ? [] : await parts.find({ _id: { $in: more } }).toArray();
            return joinParts([...found, ...others.map((document) => partSchema.parse(document))]);
        },
        async forget(migration, collection, ids) {
            const images = await this.find(migration, collection, ids);
            const names = images.flatMap(toParts).map(({ _id }) => _id);
            await parts.deleteMany({ _id: { $in: names } });
        },
        async *walk(migration) {
            const query = { ...ofMigration(migration), part: { $exists: true } };
            const cursor = parts.find(query, { batchSize: AT_ONCE }).sort({ _id: 1 });
            let pending = [];
            let bytes = 0;
            for await (const document of cursor) {
                const part = partSchema.parse(document);
                if (part.part === 0 && (pending.length >= AT_ONCE || bytes > 2 * PART)) {
                    yield read(pending);
                    pending = [];
                    bytes = 0;
                }
                pending.push(part);
                bytes += part.before.length();
            }
            if (pending.length > 0)
                yield read(pending);
        },
        async saveCatalog({ migration, collection, before }) {
            const kept = { migration, collection, before: lib.BSON.EJSON.stringify({ before }, { relaxed: false }) };
            await parts.updateOne({ _id: catalogId(migration, collection) }, { $setOnInsert: kept }, { upsert: true });
        },
        async catalog(migration) {
            const documents = await parts.find({ ...ofMigration(migration), part: { $exists: false } }).toArray();
            return documents.map((document) => {
                const kept = catalogSchema.parse(document);
                const before = stateSchema.parse(lib.BSON.EJSON.parse(kept.before, { relaxed: true }).before);
                return { migration: kept.migration, collection: kept.collection, before };
            });
        },
        async remove(migration) {
            await parts.deleteMany(ofMigration(migration));
        },
    };
}
async function insertAll(collection, documents) {
    try {
        await collection.insertMany(documents.map((one) => one), { ordered: false });
        return true;
    }
    catch (thrown) {
        if (thrown instanceof lib.MongoBulkWriteError && thrown.code === 11000)
            return false;
        throw thrown;
    }
}
function toParts({ migration, collection, id, before, writtenHash }) {
    const text = writeId(id);
    const count = Math.max(1, Math.ceil(before.length / PART));
    return Array.from({ length: count }, (_, part) => {
        const bytes = before.subarray(part * PART, (part + 1) * PART);
        const common = { migration, collection, id: text, part, parts: count, writtenHash };
        return { _id: partId(common, part), ...common, before: new lib.Binary(bytes) };
    });
}
function joinParts(parts) {
    const groups = Map.groupBy(parts, (part) => `${part.collection}/${part.id}`);
    return [...groups.values()].flatMap((group) => {
        const sorted = group.toSorted((one, other) => one.part - other.part);
        const [first] = sorted;
        if (first === undefined || sorted.length !== first.parts)
            return [];
        const before = Buffer.concat(sorted.map((part) => part.before.buffer.subarray(0, part.before.length())));
        const { migration, collection, writtenHash } = first;
        return [{ migration, collection, id: readId(first.id), before, writtenHash }];
    });
}
function partId({ migration, collection, id }, part) {
    const hash = (0,external_node_crypto_.createHash)('sha256').update(`${collection}\n${id}`).digest('hex');
    return `${migration}/${hash}/${String(part).padStart(3, '0')}`;
}
function catalogId(migration, collection) {
    return `${migration}/catalog/${collection}`;
}
function* chunks(all) {
    for (let start = 0; start < all.length; start += AT_ONCE)
        yield all.slice(start, start + AT_ONCE);
}

;// CONCATENATED MODULE: ./js/migrations/mongo/catalog.js


const record = schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J());
const optionsSchema = schemas/* looseObject */._H3({
    validator: record.optional(),
    validationLevel: schemas/* enum */.k5n(['off', 'moderate', 'strict']).optional(),
    validationAction: schemas/* enum */.k5n(['warn', 'error', 'errorAndLog']).optional(),
})
    .default({});
const collectionSchema = schemas/* looseObject */._H3({ type: schemas/* string */.YjP().optional(), options: optionsSchema });
const indexSchema = schemas/* looseObject */._H3({
    name: schemas/* string */.YjP(),
    key: record,
    v: schemas/* unknown */.L5J().optional(),
    ns: schemas/* unknown */.L5J().optional(),
});
/** Milliseconds that one of the counting questions may take. */
const COUNT_LIMIT = 10 * 60_000;
/** An empty validator with a server's own defaults: no level is left behind that a later validator would inherit. */
const WITHOUT_VALIDATION = { validator: {}, validationLevel: 'strict', validationAction: 'error' };
/** Collections, validators and indexes. */
function mongoCatalog(db) {
    const describe = async (name) => {
        const [first] = await db.listCollections({ name }).toArray();
        if (first === undefined)
            return null;
        const found = collectionSchema.parse(first);
        if (found.type === 'view')
            throw new js_lib/* Failure */.HR('refused', `${name} is a view: a declaration needs a collection`);
        const { validator, validationLevel, validationAction, ...options } = found.options;
        const indexes = await db.collection(name).listIndexes().toArray();
        return {
            options,
            validation: validationOf(validator, validationLevel, validationAction),
            indexes: indexes.map(indexStateOf).filter(({ name: index }) => index !== '_id_'),
        };
    };
    return {
        describe,
        async create(name, options, validation) {
            await db.createCollection(name, { ...options, ...validationOptions(validation) });
        },
        async setValidation(name, validation) {
            const options = validation === null ? WITHOUT_VALIDATION : validationOptions(validation);
            await db.command({ collMod: name, ...options });
        },
        async createIndexes(name, indexes) {
            await db.collection(name).createIndexes(indexes.map(descriptionOf));
        },
        async setExpiry(name, index, seconds) {
            await db.command({ collMod: name, index: { name: index, expireAfterSeconds: seconds } });
        },
        async hideIndex(name, index) {
            await db.command({ collMod: name, index: { name: index, hidden: true } });
        },
        async dropIndex(name, index) {
            await db.collection(name).dropIndex(index);
        },
        async drop(name) {
            await db.collection(name).drop();
        },
        countInvalid: (name, schema) => db.collection(name).countDocuments({ $nor: [{ $jsonSchema: schema }] }, { maxTimeMS: COUNT_LIMIT }),
        async countDuplicates(name, { key, options }) {
            const group = Object.fromEntries(Object.keys(key).map((field, position) => [`k${position}`, `$${field}`]));
            const partial = schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* unknown */.L5J()).default({}).parse(options.partialFilterExpression);
            const [found] = await db
                .collection(name)
                .aggregate([
                { $match: partial },
                { $group: { _id: group, count: { $sum: 1 } } },
                { $match: { count: { $gt: 1 } } },
                { $count: 'groups' },
            ], { allowDiskUse: true, maxTimeMS: COUNT_LIMIT })
                .toArray();
            return Number(found?.groups ?? 0);
        },
        countExpired(name, field, seconds) {
            const query = {
                $expr: { $lt: [`$${field}`, { $subtract: ['$$NOW', seconds * 1000] }] },
                [field]: { $type: 'date' },
            };
            return db.collection(name).countDocuments(query, { maxTimeMS: COUNT_LIMIT });
        },
        count: (name, filter) => db.collection(name).countDocuments(filter, { maxTimeMS: COUNT_LIMIT }),
    };
}
function validationOptions(validation) {
    if (validation === null)
        return {};
    const { validator, level, action } = validation;
    return { validator, validationLevel: level, validationAction: action };
}
function validationOf(validator, level = 'strict', action = 'error') {
    if (validator === undefined || Object.keys(validator).length === 0)
        return null;
    return { validator, level, action };
}
function indexStateOf(document) {
    const { name, key, v: _version, ns: _namespace, ...options } = indexSchema.parse(document);
    return { name, key, options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== false)) };
}
function descriptionOf({ name, key, options }) {
    return { ...options, name, key };
}

;// CONCATENATED MODULE: ./js/migrations/mongo/lanes.js
/** Writes under way at once: a server works on one of them in one thread. */
const LANES = 2;
/** Fewer are not worth a second connection. */
const WORTH = 100;
/**
 * Sends the parts of one unordered write side by side.
 * @returns the answers of all; waits for every part also when one fails, so that nothing of it goes on afterwards.
 */
async function inLanes(all, send) {
    const lanes = all.length < WORTH * LANES ? 1 : LANES;
    const size = Math.ceil(all.length / lanes);
    const parts = Array.from({ length: lanes }, (_, lane) => send(all.slice(lane * size, (lane + 1) * size)));
    await Promise.allSettled(parts);
    return Promise.all(parts);
}

;// CONCATENATED MODULE: ./js/migrations/mongo/documents.js



/** A batch ends early with this many bytes, so that memory does not grow with the documents. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** Documents of the application. */
function mongoDocuments(db) {
    const raw = (name) => db.collection(name, { raw: true });
    return {
        async *walk(name, { filter, after, size, fields }) {
            const query = after === null ? filter : { $and: [filter, { _id: { $gt: after.id } }] };
            const projection = fields && Object.fromEntries(['_id', ...fields].map((field) => [field, 1]));
            const cursor = raw(name)
                .find(query, { batchSize: size, ...(projection === null ? {} : { projection }) })
                .sort({ _id: 1 });
            try {
                // The next batch is read while the caller changes this one.
                let next = readBatch(cursor, size);
                for (;;) {
                    const batch = await next;
                    if (batch.length === 0)
                        return;
                    next = readBatch(cursor, size);
                    next.catch(() => undefined);
                    yield batch;
                }
            }
            finally {
                await cursor.close();
            }
        },
        async find(name, ids, filter) {
            const query = { $and: [{ _id: { $in: [...ids] } }, filter] };
            return (await raw(name).find(query).toArray()).map(asBytes);
        },
        async matches(name, filter) {
            return (await db.collection(name).findOne(filter, { projection: { _id: 1 } })) !== null;
        },
        estimate: (name) => db.collection(name).estimatedDocumentCount(),
        async update(name, updates) {
            const operations = updates.map(({ id, guard, set, unset }) => {
                const change = {};
                if (Object.keys(set).length > 0)
                    change.$set = set;
                if (unset.length > 0)
                    change.$unset = Object.fromEntries(unset.map((field) => [field, '']));
                const query = { _id: id, ...guard };
                return { updateOne: { filter: query, update: change } };
            });
            const halves = await inLanes(operations, (some) => db.collection(name).bulkWrite([...some], { ordered: false }));
            return halves.reduce((sum, { matchedCount }) => sum + matchedCount, 0);
        },
        put: (name, id, guard, bytes) => put(db.collection(name), id, guard, bytes),
    };
}
async function readBatch(cursor, size) {
    const batch = [];
    let bytes = 0;
    while (batch.length < size && bytes < BATCH_BYTES && (await cursor.hasNext())) {
        for (const document of cursor.readBufferedDocuments(size - batch.length).map(asBytes)) {
            batch.push(document);
            bytes += document.length;
        }
    }
    return batch;
}
function asBytes(document) {
    if (!(document instanceof Uint8Array))
        throw new Error('the driver gave a document that is not raw');
    return document;
}
/** @returns false when the document is not there any more as `guard` says, or there already when it is null. */
async function put(collection, id, guard, bytes) {
    const document = readExactly(bytes);
    if (guard !== null) {
        const query = { ...guard, _id: id };
        const { matchedCount } = await collection.replaceOne(query, document, { bypassDocumentValidation: true });
        return matchedCount === 1;
    }
    try {
        await collection.insertOne(document, { bypassDocumentValidation: true });
        return true;
    }
    catch (thrown) {
        if (thrown instanceof lib.MongoServerError && thrown.code === 11000)
            return false;
        throw thrown;
    }
}

;// CONCATENATED MODULE: ./js/migrations/mongo/lease.js


const leaseSchema = schemas/* object */.Ikc({
    token: schemas/* string */.YjP(),
    run: schemas/* string */.YjP(),
    actor: schemas/* string */.YjP(),
    host: schemas/* string */.YjP(),
    purpose: schemas/* string */.YjP(),
    expiresAt: schemas/* date */.p6U(),
});
const ID = 'lease';
/** The lease as one document of `_migrations_lock`. */
function mongoLease(collection) {
    const until = (ttl) => ({ $add: ['$$NOW', ttl] });
    return {
        async take(holder, ttl) {
            const { token, run, actor, host, purpose } = holder;
            const ours = { takenAt: '$$NOW', expiresAt: until(ttl) };
            for (const [name, value] of Object.entries({ token, run, actor, host, purpose }))
                ours[name] = { $literal: value };
            const taken = Object.entries(ours).map(([name, value]) => [name, { $cond: ['$free', value, `$${name}`] }]);
            // A server refuses $expr in the filter of an upsert, so the pipeline decides: what is not free stays as it is.
            const found = await collection
                .findOneAndUpdate({ _id: ID }, [
                { $set: { free: { $lte: [{ $ifNull: ['$expiresAt', new Date(0)] }, '$$NOW'] } } },
                { $set: Object.fromEntries(taken) },
                { $unset: 'free' },
            ], { upsert: true, returnDocument: 'after' })
                .catch((thrown) => {
                // Two who insert at once collide; the answer of one that worked may be lost. The token tells.
                if (!(thrown instanceof lib.MongoServerError))
                    throw thrown;
                return collection.findOne({ _id: ID });
            });
            if (found === null) {
                throw new Error('the lease could be neither taken nor read: may this user write _migrations_lock?');
            }
            const holding = leaseSchema.parse(found);
            return holding.token === token ? null : holding;
        },
        async renew(token, ttl) {
            const result = await collection.updateOne({ _id: ID, token }, [{ $set: { expiresAt: until(ttl) } }]);
            return result.matchedCount === 1;
        },
        async release(token) {
            // Kept, so that the next owner updates a document instead of racing to insert one.
            await collection.updateOne({ _id: ID, token }, { $set: { expiresAt: new Date(0) } });
        },
    };
}

;// CONCATENATED MODULE: ./js/migrations/mongo/ledger.js



/** Ledger and history as `_migrations` and `_migrations_history`; `now` is the server's clock. */
function mongoLedger(db, now) {
    const ledger = db.collection('_migrations');
    const history = db.collection('_migrations_history');
    return {
        now,
        async read() {
            // One after the other: a second connection costs more than it saves.
            const entries = await ledger.find().sort({ _id: 1 }).toArray();
            const lines = await history.find().sort({ _id: 1 }).toArray();
            return {
                entries: entries.map((entry) => parse('_migrations', ledgerEntrySchema, entry)),
                history: lines.map((line) => parse('_migrations_history', historyLineSchema, line)),
            };
        },
        async append(line) {
            await history.insertOne(line);
        },
        async put(entry, expected) {
            if (expected !== null) {
                return (await ledger.replaceOne({ _id: entry._id, owner: expected }, entry)).matchedCount === 1;
            }
            try {
                await ledger.insertOne(entry);
                return true;
            }
            catch (thrown) {
                if (thrown instanceof lib.MongoServerError && thrown.code === 11000)
                    return false;
                throw thrown;
            }
        },
        async remove(id, owner) {
            return (await ledger.deleteOne({ _id: id, owner })).deletedCount === 1;
        },
    };
}
function parse(collection, schema, document) {
    const parsed = schema.safeParse(document);
    if (parsed.success)
        return parsed.data;
    const wrong = parsed.error.issues.map(({ path, code }) => `${path.join('.') || 'document'} (${code})`).join(', ');
    throw (0,js_lib/* refused */.J5)(`${collection} ${String(document._id)} was edited by hand: ${wrong}; put it right, or remove it and say the truth with "pacs-agent migrate mark"`);
}

;// CONCATENATED MODULE: ./js/migrations/mongo/read-only.js

const OF_DATABASE = new Set(['collection', 'listCollections', 'aggregate', 'databaseName', 'stats', 'command']);
const OF_COLLECTION = new Set([
    'find',
    'findOne',
    'aggregate',
    'countDocuments',
    'estimatedDocumentCount',
    'distinct',
    'indexes',
    'listIndexes',
    'indexExists',
    'indexInformation',
    'listSearchIndexes',
    'options',
    'isCapped',
    'collectionName',
    'dbName',
    'namespace',
]);
const COMMANDS = new Set([
    'ping',
    'hello',
    'collStats',
    'dbStats',
    'listCollections',
    'listIndexes',
    'count',
    'find',
    'explain',
    'buildInfo',
]);
const WRITING_STAGES = ['$out', '$merge'];
/** `db` without anything that writes: a call that would is refused before it reaches the server. */
function readOnly(db) {
    return guard(db, 'db', OF_DATABASE, (name, call) => {
        if (name === 'collection') {
            return (...args) => {
                const collection = call(...args);
                return collection !== null && typeof collection === 'object'
                    ? guard(collection, 'collection', OF_COLLECTION, onlyReadingStages)
                    : collection;
            };
        }
        if (name !== 'command')
            return onlyReadingStages(name, call);
        return (...args) => {
            const [command] = args;
            const verb = command !== null && typeof command === 'object' ? (Object.keys(command)[0] ?? '') : '';
            if (!COMMANDS.has(verb))
                throw writes(`db.command({ ${verb} })`);
            return call(...args);
        };
    });
}
function onlyReadingStages(name, call) {
    if (name !== 'aggregate')
        return call;
    return (...args) => {
        const stages = Array.isArray(args[0]) ? args[0] : [];
        for (const stage of stages) {
            const found = WRITING_STAGES.find((one) => stage !== null && typeof stage === 'object' && one in stage);
            if (found !== undefined)
                throw writes(`aggregate with ${found}`);
        }
        return call(...args);
    };
}
function guard(target, what, allowed, wrap) {
    return new Proxy(target, {
        get(_target, property) {
            // Awaiting it looks for `then`; printing it looks for symbols.
            if (typeof property === 'symbol' || property === 'then')
                return undefined;
            if (!allowed.has(property))
                throw writes(`${what}.${property}`);
            const value = Reflect.get(target, property, target);
            return typeof value === 'function' ? wrap(property, (...args) => Reflect.apply(value, target, args)) : value;
        },
    });
}
function writes(call) {
    return (0,js_lib/* refused */.J5)(`${call} is not allowed here: plan and check only look`);
}

;// CONCATENATED MODULE: ./js/migrations/mongo/database.js









/** Milliseconds to say goodbye. */
const CLOSE_LIMIT = 3000;
const helloSchema = schemas/* object */.Ikc({
    localTime: schemas/* date */.p6U(),
    setName: schemas/* string */.YjP().optional(),
    isWritablePrimary: schemas/* boolean */.zMY().optional(),
});
/**
 * Connects and asks who is there. The engine's own calls and the author's go over separate connections, so that those of an author
 * can be cut without the ledger.
 * @throws Failure `unreachable` or `bad-input` as `connectTo` does.
 */
async function openDatabase(address, options = {}) {
    const makeClient = await clientsFor(address, options);
    const client = makeClient();
    await connectTo(address, client);
    const db = client.db(address.database);
    const asked = performance.now();
    const hello = helloSchema.parse(await db.command({ hello: 1 }));
    const answered = performance.now();
    // By the monotonic clock from here on: this machine's own may be wrong or jump.
    const now = () => new Date(hello.localTime.getTime() + Math.round(performance.now() - (asked + answered) / 2));
    let author = null;
    const abandon = async () => {
        const ended = author;
        author = null;
        // Its calls end at once; its goodbye may find nobody.
        if (ended !== null)
            await Promise.race([ended.close(true), (0,external_node_timers_promises_.setTimeout)(CLOSE_LIMIT, undefined, { ref: false })]);
    };
    const close = async () => {
        await abandon();
        await client.close();
    };
    return {
        topology: { replicaSet: hello.setName ?? null, writable: hello.isWritablePrimary ?? true },
        clockAhead: Date.now() - now().getTime(),
        lease: mongoLease(db.collection('_migrations_lock')),
        ledger: mongoLedger(db, now),
        documents: mongoDocuments(db),
        before: mongoBefore(db),
        catalog: mongoCatalog(db),
        db(access) {
            if (access === 'read')
                return readOnly(db);
            author ??= makeClient();
            return author.db(address.database);
        },
        abandon,
        async [Symbol.asyncDispose]() {
            await Promise.race([close(), (0,external_node_timers_promises_.setTimeout)(CLOSE_LIMIT, undefined, { ref: false })]);
        },
    };
}

;// CONCATENATED MODULE: ./js/migrations/new-migration.js




/**
 * Writes the next migration as a file to fill in.
 * @returns its path.
 * @throws Failure `bad-input` for a name that is not snake_case.
 */
async function newMigration(folder, name, phase) {
    if (!/^[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) {
        throw (0,js_lib/* badInput */.AN)(`name: "${name}" is not snake_case; write it like add_report_state`);
    }
    await (0,promises_.mkdir)(folder, { recursive: true });
    const last = (await readFiles(folder)).at(-1)?.id.slice(0, 3) ?? '000';
    const path = (0,external_node_path_.join)(folder, `${String(Number(last) + 1).padStart(3, '0')}_${name}.js`);
    await (0,promises_.writeFile)(path, TEXTS[phase](name.replaceAll('_', ' ')), { flag: 'wx' });
    return path;
}
const TEXTS = {
    expand: (title) => `export default {
  phase: 'expand',
  description: '${title}',
  async up({ schema }) {
    await schema.collection('reports', {
      schema: { bsonType: 'object', required: ['study'], properties: { study: { bsonType: 'string' } } },
      indexes: [{ name: 'by_study', key: { study: 1 }, serves: 'find({ study })' }],
    })
  },
  async down({ schema }) {
    await schema.restore()
  },
  async check({ db }) {
    const found = await db.listCollections({ name: 'reports' }).toArray()
    return found.length === 1
  },
}
`,
    data: (title) => `export default {
  phase: 'data',
  description: '${title}',
  async up({ batches }) {
    await batches({
      collection: 'reports',
      filter: { state: { $exists: false } },
      change: () => ({ set: { state: 'draft' } }),
    })
  },
  async down({ batches }) {
    await batches.restore()
  },
  async check({ db }) {
    return (await db.collection('reports').countDocuments({ state: { $exists: false } }, { limit: 1 })) === 0
  },
}
`,
    contract: (title) => `export default {
  phase: 'contract',
  description: '${title}',
  assured: { destructive: 'say who does not read the old field any more, and since when' },
  async up({ batches }) {
    await batches({
      collection: 'reports',
      filter: { oldField: { $exists: true } },
      change: () => ({ unset: ['oldField'] }),
    })
  },
  async down({ batches }) {
    await batches.restore()
  },
  async check({ db }) {
    return (await db.collection('reports').countDocuments({ oldField: { $exists: true } }, { limit: 1 })) === 0
  },
}
`,
};

;// CONCATENATED MODULE: ./js/migrations/of-release.js

/**
 * Those of `migrations` that a release carries; newer ones are left out.
 * @throws Failure `refused` when one of the release is not there, or is there with another content.
 */
function ofRelease(migrations, carried) {
    const wrong = carried.filter(({ id, sha256 }) => migrations.find((one) => one.id === id)?.sha256 !== sha256);
    if (wrong.length > 0) {
        const names = wrong.map(({ id }) => id).join(', ');
        throw (0,js_lib/* refused */.J5)(`these are not the migrations of the release (${names} differ or are missing): check out its commit`);
    }
    const ids = new Set(carried.map(({ id }) => id));
    return migrations.filter(({ id }) => ids.has(id));
}

;// CONCATENATED MODULE: ./js/migrations/report.js
const SIGNS = { note: '', warning: '⚠ ', error: '✖ ' };
/** What would be applied as a table: one row for each migration, what it does here, and what is to be looked at first. */
function planTable({ plans }) {
    const rows = plans.flatMap(({ steps }) => steps.map(({ id, phase, description, again, irreversible, impacts }) => [
        `${id} (${phase}${again ? ', continues' : ''})`,
        description,
        impacts.map(({ level, collection, text }) => `${SIGNS[level]}${about(collection, text)}`).join('; '),
        irreversible === null ? 'yes' : `no: ${irreversible}`,
    ]));
    return { head: ['migration', 'what', 'does here', 'can be undone'], rows };
}
/** What is to be looked at, the worst first. */
function remarksOf({ plans, findings, drift }) {
    const remarks = [
        ...findings.map(({ id, level, file, line, message, fix }) => ({
            id,
            level,
            file,
            line,
            text: `${message}; ${fix}`,
        })),
        ...plans.flatMap(({ steps }) => steps.flatMap(report_impactsOf)),
        ...drift.map(({ migration, text }) => ({
            ...{ id: 'drift', level: 'warning', file: `${migration}.js`, line: 1 },
            text: `${text}: someone changed it by hand`,
        })),
    ];
    return remarks.toSorted((one, other) => Number(other.level === 'error') - Number(one.level === 'error'));
}
function report_impactsOf({ id, impacts }) {
    return impacts.flatMap(({ level, collection, text }) => level === 'note' ? [] : { id: 'impact', level, file: `${id}.js`, line: 1, text: about(collection, text) });
}
/** The review in one sentence. `isGood` is false when a run would be refused, or lint has something against it. */
function verdictOn(reviewed) {
    const remarks = remarksOf(reviewed);
    const errors = remarks.filter(({ level }) => level === 'error');
    const ids = reviewed.plans.flatMap(({ steps }) => steps.map(({ id }) => id));
    const waiting = reviewed.plans.flatMap((plan) => plan.waiting);
    const warnings = remarks.length - errors.length;
    const [worst] = errors;
    const text = [
        ids.length === 0 ? 'nothing is left to apply' : `would be applied: ${ids.join(', ')}`,
        ...waiting,
        ...(worst === undefined ? [] : [`would be refused: ${worst.file}: ${worst.text}${more(errors.length)}`]),
        ...(warnings === 0 ? [] : [`${warnings} to look at`]),
    ];
    return { isGood: worst === undefined, text: text.join('; ') };
}
function about(collection, text) {
    return collection === '' || text.startsWith(collection) ? text : `${collection} ${text}`;
}
function more(count) {
    return count > 1 ? ` (and ${count - 1} more)` : '';
}

;// CONCATENATED MODULE: ./js/migrations/review.js




/**
 * Plans, lints and compares. Reads only.
 * @throws Failure `refused` for whatever a run would be refused for before it begins.
 */
async function review(store, migrations, { phases, folder, released, signal }) {
    const plans = [];
    for (const phase of phases)
        plans.push(await planMigrations(store, migrations, { phase, signal }));
    const { entries } = await read_ledger_readState(store);
    const applied = new Set(entries.filter(({ state }) => state === 'applied').map(({ _id }) => _id));
    const open = new Set(migrations.filter(({ id }) => !applied.has(id)).map(({ id }) => `${id}.js`));
    const findings = await lintMigrations(folder, released === undefined ? {} : { released });
    const drift = await driftOf(store, migrations, signal);
    return { plans, findings: findings.filter(({ file }) => open.has(file)), drift };
}

;// CONCATENATED MODULE: ./js/migrations/collection.js


/**
 * Brings a collection to its declaration and reads it back. An existing one is adopted: documents that the validator would refuse are
 * counted; while there are any it only warns about new ones (`moderate`, `warn`), else it is made strict.
 * @throws Failure `refused` when duplicates stand against a unique index, an option differs, or an index of that name is another.
 */
async function bringCollection(run, name, declared) {
    if (name === '' || name.startsWith('_migrations') || name.startsWith('system.')) {
        throw (0,js_lib/* badInput */.AN)(`schema.collection: "${name}" is no collection of the application`);
    }
    const before = await run.catalog.describe(name);
    if (differences(name, declared, before, false).length === 0)
        return;
    await run.check();
    await run.keep(before);
    if (before === null) {
        const validation = declared.schema === undefined ? null : strictly(declared.schema);
        await run.catalog.create(name, declared.options ?? {}, validation);
    }
    else {
        requireOptions(name, declared, before);
        if (declared.schema !== undefined)
            await adoptValidator(run, name, declared.schema, before);
    }
    await bringIndexes(run, name, declared, before);
    const after = await run.catalog.describe(name);
    const left = differences(name, declared, after, before !== null);
    if (left.length > 0)
        throw (0,js_lib/* refused */.J5)(`read back after the change: ${left.join('; ')}`);
}
function requireOptions(name, declared, before) {
    const { options } = declared;
    if (options === undefined)
        return;
    const wrong = differences(name, { options }, before, true);
    if (wrong.length > 0)
        throw (0,js_lib/* refused */.J5)(`${wrong.join('; ')}: only a new collection can have it`);
}
async function adoptValidator({ catalog, log }, name, schema, before) {
    const invalid = await catalog.countInvalid(name, schema);
    const isStrict = before.validation?.level === 'strict' && before.validation.action !== 'warn';
    if (isStrict && same(before.validation?.validator, { $jsonSchema: schema }))
        return;
    if (invalid === 0) {
        await catalog.setValidation(name, strictly(schema));
        return;
    }
    log(`${name}: ${invalid} documents do not satisfy the validator; it warns until a migration has mended them`);
    await catalog.setValidation(name, { validator: { $jsonSchema: schema }, level: 'moderate', action: 'warn' });
}
async function bringIndexes({ catalog, signal, check }, name, { indexes = [], dropIndexes = [] }, before) {
    const present = before?.indexes ?? [];
    const missing = [];
    for (const declared of indexes.map(indexOf)) {
        if (present.some((index) => sameIndex(index, declared)))
            continue;
        const named = present.find((index) => index.name === declared.name);
        if (named !== undefined && differsInExpiryOnly(named, declared)) {
            await catalog.setExpiry(name, declared.name, Number(declared.options.expireAfterSeconds));
        }
        else if (named !== undefined) {
            throw (0,js_lib/* refused */.J5)(`${name}: an index ${declared.name} with other keys or options is there; take another name`);
        }
        else {
            missing.push(declared);
        }
    }
    // A collection that was made a moment ago has nothing to count; should someone write to it, the server refuses the index itself.
    const toCount = before === null ? [] : missing.filter(({ options }) => options.unique === true);
    for (const index of toCount) {
        const groups = await catalog.countDuplicates(name, index);
        if (groups > 0) {
            throw (0,js_lib/* refused */.J5)(`${name}: ${groups} values stand more than once, so ${index.name} cannot be unique; mend them first`);
        }
    }
    signal.throwIfAborted();
    if (missing.length > 0) {
        await check();
        await catalog.createIndexes(name, missing);
    }
    for (const index of dropIndexes.filter((one) => present.some((is) => is.name === one))) {
        await check();
        await catalog.hideIndex(name, index);
        await catalog.dropIndex(name, index);
    }
}
/**
 * Puts a collection back to what it was: indexes, validator; drops it when it was not there and is empty.
 * @throws Failure `refused` when documents were put into a collection that would be dropped.
 */
async function restoreCollection(catalog, name, before) {
    const now = await catalog.describe(name);
    if (before === null) {
        if (now === null)
            return;
        await collection_requireDroppable(catalog, name);
        await catalog.drop(name);
        return;
    }
    if (now === null)
        await catalog.create(name, before.options, null);
    const present = now?.indexes ?? [];
    for (const index of present) {
        if (!before.indexes.some((one) => one.name === index.name && sameIndex(one, index))) {
            await catalog.dropIndex(name, index.name);
        }
    }
    const missing = before.indexes.filter((one) => !present.some((is) => is.name === one.name && sameIndex(one, is)));
    if (missing.length > 0)
        await catalog.createIndexes(name, missing);
    if (!same(now?.validation ?? null, before.validation))
        await catalog.setValidation(name, before.validation);
    const after = await catalog.describe(name);
    if (!same(sorted(after), sorted(before)))
        throw (0,js_lib/* refused */.J5)(`${name}: read back after the undo, it is not what it was`);
}
/** @throws Failure `refused` when documents were put into a collection that an undo would drop. */
async function collection_requireDroppable(catalog, name) {
    const documents = await catalog.count(name, {});
    if (documents === 0)
        return;
    throw (0,js_lib/* refused */.J5)(`${name} has ${documents} documents since it was created: the undo would drop them; move or remove them first`);
}
function sorted(state) {
    return state && { ...state, indexes: state.indexes.toSorted((one, other) => (one.name < other.name ? -1 : 1)) };
}

;// CONCATENATED MODULE: ./js/migrations/events.js
/** Turns counts into events with rate and time left. */
function meter(id, collection, onEvent, now = () => performance.now()) {
    const started = now();
    return (done, seen, total) => {
        const seconds = (now() - started) / 1000;
        const perSecond = seconds > 0 ? seen / seconds : 0;
        const left = Math.max(0, total - seen);
        const secondsLeft = perSecond > 0 ? Math.round(left / perSecond) : null;
        onEvent({ kind: 'progress', id, collection, done, seen, total, perSecond: Math.round(perSecond), secondsLeft });
    };
}

// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
;// CONCATENATED MODULE: ./js/migrations/change.js




/** Values longer than this are not compared in a guard: a statement must fit 16 MB together with what it sets. */
const LONGEST_GUARD = 4096;
const LARGEST_GUARD = 512 * 1024;
/**
 * `change` without what the document has already.
 * @throws Failure `bad-input` for a name that is no top-level field.
 */
function effectiveChange(change, document) {
    if (change === null)
        return null;
    const set = {};
    for (const [name, value] of Object.entries(change.set ?? {})) {
        requireField(name);
        if (!Object.hasOwn(document, name) || !(0,external_node_util_.isDeepStrictEqual)(document[name], value))
            set[name] = value;
    }
    const unset = (change.unset ?? []).filter((name) => {
        requireField(name);
        return Object.hasOwn(document, name);
    });
    return Object.keys(set).length === 0 && unset.length === 0 ? null : { set, unset };
}
/** Whether a second change of the changed document would leave it as it is. */
function isRepeatable(change, document, { set, unset }) {
    const changed = { ...document, ...set };
    for (const name of unset)
        delete changed[name];
    return effectiveChange(change(changed), changed) === null;
}
/**
 * A filter that the document matches while nobody edits what the change reads (`reads`, by default everything) or writes.
 * Long values are left out.
 */
function guardOf(bytes, document, reads, changed) {
    const guard = {};
    const lengths = bytes.length <= LONGEST_GUARD ? null : fieldsOf(bytes);
    let size = 0;
    for (const name of new Set([...(reads ?? Object.keys(document)), ...changed])) {
        if (name === '_id' || name === '' || name.startsWith('$') || name.includes('.'))
            continue;
        if (!Object.hasOwn(document, name)) {
            guard[name] = { $exists: false };
            continue;
        }
        const length = lengths?.get(name)?.length ?? 0;
        if (length > LONGEST_GUARD || size + length > LARGEST_GUARD)
            continue;
        size += length;
        guard[name] = { $eq: document[name] };
    }
    return guard;
}
function requireField(name) {
    if (name === '_id' || name === '' || name.includes('.') || name.startsWith('$')) {
        throw (0,js_lib/* badInput */.AN)(`change: "${name}" cannot be set or unset; name a whole top-level field other than _id`);
    }
}
/** Whether the document has what the change sets and lacks what it unsets. */
function hasChange(bytes, { set, unset }) {
    const fields = fieldsOf(bytes);
    const isSet = [...fieldsOf(lib.BSON.serialize(set))].every(([name, value]) => {
        const found = fields.get(name);
        return found !== undefined && Buffer.compare(found, value) === 0;
    });
    return isSet && !unset.some((name) => fields.has(name));
}

;// CONCATENATED MODULE: ./js/migrations/restore.js



/** How many edited documents a refusal names. */
const NAMED = 20;
/**
 * Nothing of an undo begins before a person has decided about every document that was edited since.
 * @throws Failure `refused` that lists those that are open.
 */
async function restore_requireDecided(store, migration, decide) {
    const open = [];
    for await (const images of store.before.walk(migration)) {
        for (const { image, current } of await withCurrent(store, images)) {
            if (stateOf(image, current) !== 'edited')
                continue;
            const id = nameId(image.id);
            if (decide(image.collection, id) === null)
                open.push(`${image.collection} ${id}${current ? '' : ' (deleted)'}`);
        }
    }
    if (open.length > 0)
        throw undecided(migration, open);
}
/**
 * Puts back every document that the migration wrote, byte for byte.
 * @throws Failure `refused` that lists the documents that someone edits meanwhile.
 */
async function restoreDocuments(run) {
    const open = [];
    let done = 0;
    for await (const images of run.store.before.walk(run.migration)) {
        run.signal.throwIfAborted();
        await run.check();
        for (const { image, current } of await withCurrent(run.store, images)) {
            if (!(await putBack(run, image, current)))
                open.push(`${image.collection} ${bson_document_nameId(image.id)}`);
        }
        done += images.length;
        run.progress(done);
    }
    if (open.length > 0)
        throw undecided(run.migration, open);
}
/** @returns false when someone edited the document at this moment. */
async function putBack(run, image, current) {
    const { collection, id, before } = image;
    const state = stateOf(image, current);
    if (state === 'as-before')
        return true;
    const decision = state === 'edited' ? run.decide(collection, bson_document_nameId(id)) : 'restore';
    if (decision !== 'restore')
        return decision === 'keep';
    const guard = current === null ? null : guardOf(current, readDocument(current), undefined, []);
    return run.store.documents.put(collection, id, guard, before);
}
function stateOf({ before, writtenHash }, current) {
    if (current === null)
        return 'edited';
    if (Buffer.compare(before, current) === 0)
        return 'as-before';
    return documentHash(fieldsOf(current)) === writtenHash ? 'written' : 'edited';
}
async function withCurrent(store, images) {
    const found = new Map();
    for (const collection of new Set(images.map((image) => image.collection))) {
        const ids = images.filter((image) => image.collection === collection).map(({ id }) => id);
        for (const bytes of await store.documents.find(collection, ids, {})) {
            found.set(`${collection} ${writeId(readDocument(bytes)._id)}`, bytes);
        }
    }
    return images.map((image) => ({ image, current: found.get(`${image.collection} ${writeId(image.id)}`) ?? null }));
}
function undecided(migration, open) {
    const named = open.slice(0, NAMED).join('\n');
    const more = open.length > NAMED ? `\nand ${open.length - NAMED} more` : '';
    return (0,js_lib/* refused */.J5)(`${migration}: ${open.length} documents were edited after it wrote them; decide for each: keep or restore\n${named}${more}`);
}

;// CONCATENATED MODULE: ./js/migrations/walk.js





const MOST_SWEEPS = 5;
const MOST_ATTEMPTS = 10;
/**
 * Changes the documents of one declaration, batch by batch from where an earlier run stopped, then sweeps from the first `_id` until
 * nothing is left: what an old release wrote meanwhile is found, also below the cursor.
 * @throws Failure `refused` when documents are edited faster than they are changed.
 */
async function walkDocuments(run, declaration, from) {
    checkDeclaration(declaration);
    const { collection, filter = {} } = declaration;
    const { documents } = run.store;
    const walk = { ...(from ?? { after: null, done: 0, finished: false }) };
    const pass = new Pass(run, declaration, walk, await documents.estimate(collection));
    // Not by the ledger: a run that died in its first batch kept images before it recorded anything.
    const isFresh = !(await run.store.before.has(run.migration));
    if (!walk.finished)
        await pass.go(walk.after === null ? null : { id: readId(walk.after) }, isFresh);
    for (let sweep = 0; await documents.matches(collection, filter); sweep += 1) {
        if (sweep === MOST_SWEEPS) {
            throw (0,js_lib/* refused */.J5)(`${collection}: documents of the old shape keep coming; end the release that writes them first`);
        }
        if ((await pass.go(null, false)) === 0)
            break;
    }
    await run.record({ ...walk, finished: true });
}
class Pass {
    #run;
    #declaration;
    #walk;
    #total;
    /** Seen on a first batch: enough, since `change` is pure. */
    #repeatable = false;
    constructor(run, declaration, walk, total) {
        this.#run = run;
        this.#declaration = declaration;
        this.#walk = walk;
        this.#total = total;
    }
    /** @returns how many documents it wrote. */
    async go(after, fresh) {
        const { collection, filter = {}, size = 1000, reads, pause = 0, beforeImages = true } = this.#declaration;
        const fields = beforeImages || reads === undefined ? null : reads;
        let written = 0;
        let seen = 0;
        for await (const batch of this.#run.store.documents.walk(collection, { filter, after, size, fields })) {
            this.#run.signal.throwIfAborted();
            await this.#run.check();
            written += await this.#change(batch, fresh);
            this.#repeatable = true;
            seen += batch.length;
            const last = batch.at(-1);
            if (last !== undefined)
                this.#walk.after = writeId(readDocument(last)._id);
            await this.#run.record(this.#walk);
            this.#run.progress(this.#walk.done, seen, this.#total);
            if (pause > 0)
                await (0,external_node_timers_promises_.setTimeout)(pause, undefined, { signal: this.#run.signal });
        }
        return written;
    }
    /** Changes one batch; documents that someone edits meanwhile are read again. */
    async #change(batch, fresh) {
        const { collection, beforeImages = true } = this.#declaration;
        const { before } = this.#run.store;
        let written = 0;
        let left = batch;
        for (let attempt = 0; left.length > 0; attempt += 1) {
            if (attempt === MOST_ATTEMPTS) {
                throw (0,js_lib/* refused */.J5)(`${collection}: ${left.length} documents are edited faster than they are changed`);
            }
            const isFresh = fresh && attempt === 0;
            const images = beforeImages && !isFresh ? await this.#imagesOf(left) : null;
            const pending = left.flatMap((bytes) => this.#pendingOf(bytes, images));
            if (pending.length === 0)
                break;
            if (beforeImages)
                await before.save(pending.map((one) => this.#imageOf(one)), isFresh);
            const matched = await this.#write(pending);
            written += matched;
            left = matched === pending.length ? [] : await this.#missed(pending);
        }
        this.#walk.done += written;
        return written;
    }
    async #write(pending) {
        const { collection, beforeImages = true } = this.#declaration;
        try {
            const updates = pending.map(({ update }) => update);
            return await this.#run.store.documents.update(collection, updates);
        }
        catch (thrown) {
            const isRefusal = !this.#run.signal.aborted && !isConnectionLoss(thrown);
            if (isRefusal && beforeImages)
                await this.#forgetUnwritten(pending).catch(() => undefined);
            throw thrown;
        }
    }
    /** After a refusal: whoever mends a document that was not written has not edited what a migration wrote. */
    async #forgetUnwritten(pending) {
        const { collection } = this.#declaration;
        const { documents, before } = this.#run.store;
        await this.#run.check();
        const ids = pending.map(({ update }) => update.id);
        const now = new Map((await documents.find(collection, ids, {})).map((bytes) => [idOf(bytes), bytes]));
        const unwritten = pending.filter(({ bytes }) => {
            const found = now.get(idOf(bytes));
            return found !== undefined && Buffer.compare(found, bytes) === 0;
        });
        await before.forget(this.#run.migration, collection, unwritten.map(({ update }) => update.id));
    }
    #pendingOf(bytes, images) {
        const { change, reads, beforeImages = true } = this.#declaration;
        const document = readDocument(bytes);
        const image = images?.get(writeId(document._id));
        const fields = beforeImages ? fieldsOf(bytes) : null;
        // Written already, before a crash: a second change would be one too many.
        if (image && fields && documentHash(fields) === image.writtenHash)
            return [];
        const effective = effectiveChange(change(document), document);
        if (effective === null)
            return [];
        const isEdited = image !== undefined && Buffer.compare(image.before, bytes) !== 0;
        if (isEdited || (!beforeImages && !this.#repeatable))
            this.#requireRepeatable(document, effective);
        const { set, unset } = effective;
        const guard = guardOf(bytes, document, reads, [...Object.keys(set), ...unset]);
        const hash = fields ? documentHash(changeFields(fields, set, unset)) : '';
        return [{ bytes, update: { id: document._id, guard, set, unset }, hash }];
    }
    #requireRepeatable(document, effective) {
        const { collection, change } = this.#declaration;
        if (isRepeatable(change, document, effective))
            return;
        throw (0,js_lib/* refused */.J5)(`${collection}: a second change of a document would change it again, and after a cut nothing tells which were done: return null for a document that is done`);
    }
    #imageOf({ bytes, update, hash }) {
        const { migration } = this.#run;
        return { migration, collection: this.#declaration.collection, id: update.id, before: bytes, writtenHash: hash };
    }
    async #imagesOf(batch) {
        const ids = batch.map((bytes) => readDocument(bytes)._id);
        const images = await this.#run.store.before.find(this.#run.migration, this.#declaration.collection, ids);
        return new Map(images.map((image) => [writeId(image.id), image]));
    }
    /** The documents that were not written, as they are now and as far as they are still to be changed. */
    async #missed(pending) {
        const { collection, filter = {}, beforeImages = true } = this.#declaration;
        const { documents, before } = this.#run.store;
        // Whoever took over meanwhile has written them, and needs their images.
        await this.#run.check();
        const ids = pending.map(({ update }) => update.id);
        const now = new Map((await documents.find(collection, ids, {})).map((bytes) => [idOf(bytes), bytes]));
        const matching = new Set((await documents.find(collection, ids, filter)).map(idOf));
        const left = [];
        const gone = [];
        for (const { update } of pending) {
            const key = writeId(update.id);
            const bytes = now.get(key);
            if (bytes !== undefined && hasChange(bytes, update))
                continue;
            if (bytes !== undefined && matching.has(key))
                left.push(bytes);
            else
                gone.push(update.id);
        }
        if (beforeImages && gone.length > 0)
            await before.forget(this.#run.migration, collection, gone);
        return left;
    }
}
function idOf(bytes) {
    return writeId(readDocument(bytes)._id);
}
function checkDeclaration({ collection, size = 1000 }) {
    if (collection === '' || collection.startsWith('_migrations')) {
        throw (0,js_lib/* badInput */.AN)(`batches: "${collection}" is no collection of the application`);
    }
    if (!Number.isInteger(size) || size < 1 || size > 10_000) {
        throw (0,js_lib/* badInput */.AN)(`batches: size is ${size}; allowed are 1 to 10000`);
    }
}

;// CONCATENATED MODULE: ./js/migrations/context.js





/** The context of `up` and `down`: what it is told is done, recorded in `entry`, and noted in `declared`. */
function context_workContext(place, { id }, entry, signal, declared) {
    const { store, lease, writer, onEvent, decide } = place;
    const log = (line) => onEvent({ kind: 'log', id, line });
    const check = () => lease.check();
    const walk = async (declaration) => {
        const { collection } = declaration;
        if (declared.walks.some((other) => other.collection === collection)) {
            throw (0,js_lib/* badInput */.AN)(`batches: ${collection} is walked twice; a document has one before-image, so make both changes in one walk`);
        }
        declared.walks.push(declaration);
        const record = async (reached) => {
            entry.progress = { ...entry.progress, [collection]: { ...reached } };
            await writer.write(entry);
        };
        const progress = meter(id, collection, onEvent);
        const run = { migration: id, store, signal, check, record, progress };
        await walkDocuments(run, declaration, entry.progress[collection] ?? null);
    };
    const restored = meter(id, 'before-images', onEvent);
    return {
        get db() {
            return store.db('write');
        },
        log,
        signal,
        batches: Object.assign(walk, {
            restore: () => restoreDocuments({
                migration: id,
                store,
                signal,
                check,
                decide,
                progress: (done) => restored(done, done, done),
            }),
        }),
        schema: {
            async collection(name, declaration) {
                declared.collections.push({ name, declaration });
                const { catalog, before } = store;
                const keep = (state) => before.saveCatalog({ migration: id, collection: name, before: state });
                await bringCollection({ catalog, keep, log, signal, check }, name, declaration);
            },
            async restore() {
                for (const image of await store.before.catalog(id)) {
                    signal.throwIfAborted();
                    await check();
                    await restoreCollection(store.catalog, image.collection, image.before);
                }
            },
        },
    };
}

;// CONCATENATED MODULE: ./js/migrations/run.js
var run_addDisposableResource = (undefined && undefined.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var run_disposeResources = (undefined && undefined.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});










/** Cuts that one migration survives in one run. */
const run_MOST_CUTS = 5;
/**
 * Applies what is pending in a phase, once, by one owner. Without anything to do it writes nothing.
 * @throws Failure `refused` before any change, `locked` when someone else works, `failed` with what a migration ran into.
 */
async function applyMigrations(store, migrations, options) {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        const seen = orderOf(migrations, (await read_ledger_readState(store)).entries, options.phase);
        if (chosen(seen.steps, options).length === 0)
            return { applied: [], waiting: seen.waiting };
        const lease = run_addDisposableResource(env_1, await lease_takeLease(store.lease, actorOf(options), 'migrate', {
            ...options.lease,
            signal: options.signal,
        })
        // Whoever had the lease before may have done some of it.
        , true);
        // Whoever had the lease before may have done some of it.
        const state = await read_ledger_readState(store);
        const { steps, waiting } = orderOf(migrations, state.entries, options.phase);
        const writer = new ledger_writer_LedgerWriter(store.ledger, lease, actorOf(options), state);
        const place = { store, lease, writer, onEvent: options.onEvent, decide: () => null };
        const signal = AbortSignal.any([options.signal, lease.signal]);
        const applied = [];
        for (const { migration } of chosen(steps, options)) {
            signal.throwIfAborted();
            const started = performance.now();
            await applyThroughCuts(place, migration, state, actorOf(options), signal);
            const milliseconds = Math.round(performance.now() - started);
            applied.push({ id: migration.id, milliseconds });
            options.onEvent({ kind: 'applied', id: migration.id, milliseconds });
        }
        return { applied, waiting };
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = run_disposeResources(env_1);
        if (result_1)
            await result_1;
    }
}
/**
 * Applies one. After a cut it does what another run would do: it waits for the database, reads how far it came, and goes on from there.
 * Nothing is sent again without a look.
 */
async function applyThroughCuts(place, migration, state, actor, signal) {
    const { store, lease, onEvent } = place;
    const { id } = migration;
    let { entries } = state;
    for (let cuts = 1;; cuts += 1) {
        const entry = entries.find(({ _id }) => _id === id);
        if (entry?.state === 'applied')
            return;
        try {
            return await applyOne(place, migration, entry, signal);
        }
        catch (thrown) {
            if (!isConnectionLoss(thrown))
                throw thrown;
            // Why it was ended says more than what was on its way then.
            signal.throwIfAborted();
            if (cuts > run_MOST_CUTS)
                throw told(thrown, id);
            onEvent({ kind: 'log', id, line: 'the connection to the database broke; waits for it, then goes on' });
        }
        await lease.regain();
        const now = await read_ledger_readState(store);
        place.writer = new ledger_writer_LedgerWriter(store.ledger, lease, actor, now);
        entries = now.entries;
    }
}
/** Writes `applying`, works, verifies, writes `applied`. @param left what an interrupted run left in the ledger */
async function applyOne(place, migration, left, signal) {
    const { store, writer, onEvent } = place;
    const { id, definition } = migration;
    onEvent({ kind: 'started', id, description: definition.description, again: left !== undefined });
    const log = (line) => onEvent({ kind: 'log', id, line });
    const isDone = left !== undefined && (await settle(place, migration, signal));
    const entry = writer.begin(migration, 'applying', left?.progress ?? {});
    await writer.announce('applying', entry, assurancesOf(migration));
    try {
        const declared = { collections: [], walks: [] };
        if (!isDone) {
            await time_limit_within(store, `up of ${id}`, time_limit_limitOf(migration), signal, (inner) => definition.up(context_workContext(place, migration, entry, inner, declared)));
        }
        await verify(store, migration, declared, log, signal);
    }
    catch (thrown) {
        // Cut or cancelled: the entry stays as it is, and is continued.
        if (signal.aborted || isConnectionLoss(thrown))
            throw thrown;
        const error = failures_withoutValues(thrown);
        const failed = { ...entry, state: 'failed', finishedAt: writer.now(), error };
        // What went wrong first is what matters, also when the database cannot be told any more.
        await writer.announce('failed', failed, error).catch(() => undefined);
        throw new js_lib/* Failure */.HR('failed', error.startsWith(id) ? error : `${id}: ${error}`, { cause: thrown });
    }
    await writer.announce('applied', { ...entry, state: 'applied', finishedAt: writer.now() }, null);
}
/**
 * Finds out how far an interrupted migration came. It runs again, since schema and batches go on where they stopped; only one
 * whose author said that it must not, and whose check says that it is done, does not.
 * @returns whether it is done.
 */
async function settle({ store, onEvent }, migration, signal) {
    const { id, definition } = migration;
    const answer = await verify_ask(store, migration, (line) => onEvent({ kind: 'log', id, line }), signal);
    if (answer.kind !== 'unclear')
        return answer.kind === 'done' && definition.assured?.['not-repeatable'] !== undefined;
    throw (0,js_lib/* refused */.J5)(`${id} was interrupted, and its check cannot tell whether it is done (${answer.why}): find out, then "pacs-agent migrate mark ${id} applied|pending --reason …"`);
}
function chosen(steps, { resumeOnly = false }) {
    return resumeOnly ? steps.filter(({ kind }) => kind === 'settle') : steps;
}
function actorOf({ run, actor, host }) {
    return { run, actor, host };
}
function assurancesOf({ definition }) {
    const assured = Object.entries(definition.assured ?? {});
    return assured.length === 0 ? null : assured.map(([rule, why]) => `${rule}: ${why}`).join('\n');
}

;// CONCATENATED MODULE: ./js/migrations/undo.js
var undo_addDisposableResource = (undefined && undefined.__addDisposableResource) || function (env, value, async) {
    if (value !== null && value !== void 0) {
        if (typeof value !== "object" && typeof value !== "function") throw new TypeError("Object expected.");
        var dispose, inner;
        if (async) {
            if (!Symbol.asyncDispose) throw new TypeError("Symbol.asyncDispose is not defined.");
            dispose = value[Symbol.asyncDispose];
        }
        if (dispose === void 0) {
            if (!Symbol.dispose) throw new TypeError("Symbol.dispose is not defined.");
            dispose = value[Symbol.dispose];
            if (async) inner = dispose;
        }
        if (typeof dispose !== "function") throw new TypeError("Object not disposable.");
        if (inner) dispose = function() { try { inner.call(this); } catch (e) { return Promise.reject(e); } };
        env.stack.push({ value: value, dispose: dispose, async: async });
    }
    else if (async) {
        env.stack.push({ async: true });
    }
    return value;
};
var undo_disposeResources = (undefined && undefined.__disposeResources) || (function (SuppressedError) {
    return function (env) {
        function fail(e) {
            env.error = env.hasError ? new SuppressedError(e, env.error, "An error was suppressed during disposal.") : e;
            env.hasError = true;
        }
        var r, s = 0;
        function next() {
            while (r = env.stack.pop()) {
                try {
                    if (!r.async && s === 1) return s = 0, env.stack.push(r), Promise.resolve().then(next);
                    if (r.dispose) {
                        var result = r.dispose.call(r.value);
                        if (r.async) return s |= 2, Promise.resolve(result).then(next, function(e) { fail(e); return next(); });
                    }
                    else s |= 1;
                }
                catch (e) {
                    fail(e);
                }
            }
            if (s === 1) return env.hasError ? Promise.reject(env.error) : Promise.resolve();
            if (env.hasError) throw env.error;
        }
        return next();
    };
})(typeof SuppressedError === "function" ? SuppressedError : function (error, suppressed, message) {
    var e = new Error(message);
    return e.name = "SuppressedError", e.error = error, e.suppressed = suppressed, e;
});









/**
 * Undoes every migration after `id` (null: all), the last first, each exactly: documents, options, validators, indexes.
 * @returns the ids that were undone.
 * @throws Failure `bad-input` for an unknown id, `refused` for an irreversible migration or an undecided document, `locked`, `failed`.
 */
async function undoTo(store, migrations, id, options) {
    const env_1 = { stack: [], error: void 0, hasError: false };
    try {
        if (id !== null && !migrations.some((migration) => migration.id === id)) {
            throw badInput(`"${id}" is no migration; known are ${migrations.map((one) => one.id).join(', ')}`);
        }
        if (undoable(migrations, (await readState(store)).entries, id).length === 0)
            return [];
        const { run, actor, host, signal, onEvent, decide = () => null } = options;
        const lease = undo_addDisposableResource(env_1, await takeLease(store.lease, { run, actor, host }, 'undo', { ...options.lease, signal }), true);
        const state = await readState(store);
        const writer = new LedgerWriter(store.ledger, lease, { run, actor, host }, state);
        const place = { store, lease, writer, onEvent, decide };
        const undone = [];
        for (const migration of undoable(migrations, state.entries, id)) {
            const started = performance.now();
            await undoOne(place, migration, AbortSignal.any([signal, lease.signal]));
            undone.push(migration.id);
            onEvent({ kind: 'undone', id: migration.id, milliseconds: Math.round(performance.now() - started) });
        }
        return undone;
    }
    catch (e_1) {
        env_1.error = e_1;
        env_1.hasError = true;
    }
    finally {
        const result_1 = undo_disposeResources(env_1);
        if (result_1)
            await result_1;
    }
}
/** What is to be undone, the last first; refuses when the way is barred. */
function undoable(migrations, ledger, id) {
    const later = ledger
        .filter(({ _id }) => id === null || _id > id)
        .toSorted((one, other) => (one._id < other._id ? 1 : -1));
    const known = new Map(migrations.map((migration) => [migration.id, migration]));
    const refusals = [];
    const found = [];
    for (const { _id, sha256 } of later) {
        const migration = known.get(_id);
        if (migration === undefined)
            refusals.push(`${_id} is not in this release: undo it with the release that has it`);
        else if (migration.sha256 !== sha256)
            refusals.push(`${_id} was edited after it ran: undo the edit first`);
        else if ('irreversible' in migration.definition) {
            refusals.push(`${_id} is irreversible (${migration.definition.irreversible}): restore a backup instead`);
        }
        else
            found.push(migration);
    }
    if (refusals.length > 0)
        throw refused(refusals.join('\n'));
    return found;
}
/** Writes `rolling-back`, undoes, forgets the before-images, removes the entry. Asked again after a crash it continues. */
async function undoOne(place, migration, signal) {
    const { store, writer, onEvent } = place;
    const { id, definition } = migration;
    if (!('down' in definition))
        throw new Error(`${id} has no down`);
    onEvent({ kind: 'started', id, description: `undo: ${definition.description}`, again: false });
    await requireDecided(store, id, place.decide);
    for (const image of await store.before.catalog(id)) {
        if (image.before === null)
            await requireDroppable(store.catalog, image.collection);
    }
    const entry = writer.begin(migration, 'rolling-back', {});
    await writer.announce('rolling-back', entry, null);
    try {
        await within(store, `down of ${id}`, limitOf(migration), signal, (inner) => definition.down(workContext(place, migration, entry, inner, { collections: [], walks: [] })));
    }
    catch (thrown) {
        if (signal.aborted)
            throw thrown;
        if (thrown instanceof Failure && thrown.kind === 'refused')
            throw thrown;
        throw new Failure('failed', `undo of ${id}: ${withoutValues(thrown)}; ask for the undo again to continue`, {
            cause: thrown,
        });
    }
    await place.lease.check();
    await store.before.remove(id);
    await writer.remove('undone', entry, null);
}

;// CONCATENATED MODULE: ./js/migrations/index.js






















/***/ })

};
