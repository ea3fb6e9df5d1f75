export const id = 77;
export const ids = [77];
export const modules = {

/***/ 72:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  QY: () => (/* binding */ openAgent),
  EI: () => (/* binding */ reportOf),
  Zk: () => (/* reexport */ throughSchema),
  Bh: () => (/* reexport */ verifiableSchema)
});

// UNUSED EXPORTS: openSocket

// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ../../node_modules/hono/dist/client/index.js + 5 modules
var client = __webpack_require__(1225);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
;// CONCATENATED MODULE: ./js/agent/api/duplex-http.js




/** The stream ended before its answer was whole. Whether the request arrived is not known. */
class Cut extends Error {
    name = 'Cut';
}
/** What node calls on a socket that it keeps for the next request; an SSH session has none of it. */
const nothingToTune = { setKeepAlive() { }, setTimeout() { }, ref() { }, unref() { } };
/** Keeps streams that are no sockets for the next request: an SSH session costs 130 ms. */
class DuplexAgent extends external_node_http_.Agent {
    #connect;
    constructor(connect) {
        super({ keepAlive: true });
        this.#connect = connect;
    }
    createConnection(_options, callback) {
        // The type says that a stream comes with every call; node reads it only when there is no error.
        const settle = callback;
        Promise.resolve()
            .then(() => this.#connect())
            .then((stream) => settle?.(null, stream instanceof external_node_net_.Socket ? stream : Object.assign(stream, nothingToTune)), (thrown) => settle?.(unreachable(thrown)));
    }
}
/**
 * A `fetch` over streams that `connect` opens; they are used again until `close`. It throws Failure `unreachable` when no
 * stream could be opened or no HTTP came back, and {@link Cut} when the stream broke off.
 */
function duplexHttp(connect) {
    const agent = new DuplexAgent(connect);
    return {
        fetch: (input, init = {}) => new Promise((resolve, reject) => {
            const { pathname, search } = new URL(typeof input === 'object' && 'url' in input ? input.url : input);
            const headers = plainHeaders(init.headers ?? {});
            const outgoing = (0,external_node_http_.request)({ agent, method: init.method ?? 'GET', path: `${pathname}${search}`, headers });
            outgoing.on('response', (incoming) => {
                const type = incoming.headers['content-type'] ?? '';
                const options = { status: incoming.statusCode ?? 500, headers: { 'content-type': type } };
                resolve(new Response(external_node_stream_.Readable.toWeb(incoming), options));
            });
            outgoing.on('error', (thrown) => reject(judge(thrown)));
            init.signal?.addEventListener('abort', () => outgoing.destroy(), { once: true });
            outgoing.end(init.body ?? '');
        }),
        close: () => agent.destroy(),
    };
}
/** Without naming `Headers` or `Request`: what Node loads for them takes 35 ms, which only an answer is worth. */
function plainHeaders(headers) {
    return Object.fromEntries(Symbol.iterator in headers ? headers : Object.entries(headers));
}
function judge(thrown) {
    if (thrown instanceof lib/* Failure */.HR)
        return thrown;
    if (String(thrown.code).startsWith('HPE_')) {
        return new lib/* Failure */.HR('unreachable', `what answers is no pacs-agent: it speaks no HTTP (${thrown.message})`);
    }
    return new Cut(thrown.message, { cause: thrown });
}
function unreachable(thrown) {
    if (thrown instanceof lib/* Failure */.HR)
        return thrown;
    return new lib/* Failure */.HR('unreachable', `the agent could not be reached: ${(0,lib/* messageOf */.bD)(thrown)}`, { cause: thrown });
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var release = __webpack_require__(8880);
;// CONCATENATED MODULE: ./js/agent/protocol.js
// What goes over the agent's socket, shared by both sides. Objects are loose where the other side may be newer: unknown fields are ignored.


/** Chosen by the client, so that asking twice is asking once. */
const transactionIdSchema = schemas/* string */.YjP()
    .regex(/^[a-z0-9][a-z0-9-]{7,63}$/, 'is no transaction id (8 to 64 lower-case letters, digits and -)');
/** A registry login that lives as long as the transaction. */
const registryLogin = schemas/* object */.Ikc({ server: schemas/* string */.YjP(), username: schemas/* string */.YjP(), password: schemas/* string */.YjP() });
const requester = {
    /** Who asked, as the client claims; the audit records the proven SSH key beside it. */
    actor: schemas/* string */.YjP().min(1).max(200),
    /** Where to read more, for example the URL of a workflow run. */
    run: schemas/* string */.YjP().max(300).default(''),
    registry: registryLogin.optional(),
};
const watching = {
    /** Milliseconds for which both releases are watched before the seal. */
    watch: schemas/* number */.aig().int().min(0).max(3_600_000).default(60_000),
    /** Milliseconds for which a trouble that both releases share is waited out. */
    hold: schemas/* number */.aig().int().min(0).max(3_600_000).default(300_000),
    /** Milliseconds for which the previous release keeps running after the seal. */
    keepWarm: schemas/* number */.aig().int().min(0).max(86_400_000).default(600_000),
};
const absolutePath = schemas/* string */.YjP().startsWith('/', 'must be an absolute path on the server');
/** What is restored; directories lie on the server. */
const restoreTargetSchema = schemas/* discriminatedUnion */.gMt('kind', [
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('database') }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('collection'), collection: schemas/* string */.YjP().min(1) }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('study'),
        study: schemas/* string */.YjP().regex(/^[0-9.]{1,64}$/, 'is no StudyInstanceUID'),
        directory: absolutePath,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('everything'), directory: absolutePath }),
]);
/** How a backup is named. */
const BACKUP = /^(newest|\d{8}t\d{6}z-[0-9a-f]{8})$/;
/** Which backup is verified: `newest`, `random`, or the id of one. */
const verifiableSchema = schemas/* string */.YjP()
    .regex(/^(newest|random|\d{8}t\d{6}z-[0-9a-f]{8})$/, 'is neither newest, random nor the id of a backup');
/** How far a verification goes: L0 and L1 look at the repository, L2 and above restore. */
const throughSchema = schemas/* enum */.k5n(['L1', 'L2', 'L3', 'L4', 'L5', 'L6'], 'is none of L1 to L6');
const requestSchema = schemas/* discriminatedUnion */.gMt('kind', [
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('deploy'),
        release: schemas/* string */.YjP(),
        allowCore: schemas/* boolean */.zMY().default(false),
        ...watching,
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('rollback'),
        /** The release to go back to; the previous one when absent. */
        to: release/* releaseIdSchema */.yU.optional(),
        /** The config revision that ran with it, or the current one. */
        config: schemas/* enum */.k5n(['its-own', 'current']).default('its-own'),
        reason: schemas/* string */.YjP().min(1).max(500),
        ...watching,
        ...requester,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('core'), release: schemas/* string */.YjP(), allowCore: schemas/* boolean */.zMY().default(false), ...requester }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('migrate'),
        release: schemas/* string */.YjP(),
        /** expand is run by the requester through its tunnel, while this transaction holds the lock; data and contract run here. */
        phase: release/* migrationPhaseSchema */.JO,
        /** What it may do to the core that must come first. */
        allowCore: schemas/* boolean */.zMY().default(false),
        /** Only looks: no backup is taken, and the requester writes nothing. */
        plan: schemas/* boolean */.zMY().default(false),
        /** Why this runs without a fresh backup; the journal keeps it. */
        noBackup: schemas/* string */.YjP().min(1).max(500).optional(),
        /** Why this is done now; the journal keeps it. */
        reason: schemas/* string */.YjP().min(1).max(500).optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('undo'),
        /** The last migration that stays applied; null undoes all. */
        to: schemas/* string */.YjP().min(1).max(200).nullable(),
        /** The release that has the migrations; what serves when absent. */
        of: release/* releaseIdSchema */.yU.optional(),
        reason: schemas/* string */.YjP().min(1).max(500),
        /** Documents that were edited since, like `reports "r7"`, or a whole collection by its name: kept as they are now, … */
        keep: schemas/* array */.YOg(schemas/* string */.YjP()).default([]),
        /** … or put back as they were. */
        restore: schemas/* array */.YOg(schemas/* string */.YjP()).default([]),
        noBackup: schemas/* string */.YjP().min(1).max(500).optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('mark'),
        /** A migration of which nothing but a person can tell whether it is done. */
        migration: schemas/* string */.YjP().min(1).max(200),
        as: schemas/* enum */.k5n(['applied', 'pending'], 'is neither applied nor pending'),
        /** The release that has the migration; what serves when absent. */
        of: release/* releaseIdSchema */.yU.optional(),
        /** How it was found out; the ledger's history keeps it. */
        reason: schemas/* string */.YjP().min(10, 'must say in at least 10 characters how you found out').max(500),
        ...requester,
    }),
    schemas/* object */.Ikc({ kind: schemas/* literal */.euz('backup'), ...requester }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('verify'),
        backup: verifiableSchema.default('newest'),
        repository: schemas/* enum */.k5n(['first', 'second']).default('first'),
        through: throughSchema.default('L6'),
        /** Milliseconds that the backup may be old; where it is absent 26 hours for the newest one, and any age for another. */
        maxAge: schemas/* number */.aig().int().positive().optional(),
        ...requester,
    }),
    schemas/* object */.Ikc({
        kind: schemas/* literal */.euz('restore'),
        backup: schemas/* string */.YjP().regex(BACKUP, 'is neither newest nor the id of a backup').default('newest'),
        target: restoreTargetSchema,
        /** Only says what it would do. */
        plan: schemas/* boolean */.zMY().default(false),
        /** The name that a person typed, where something is replaced. */
        typed: schemas/* string */.YjP().optional(),
        ...requester,
    }),
]);
const ids = schemas/* array */.YOg(schemas/* string */.YjP());
/** Ids of migrations by phase. */
const pendingSchema = schemas/* object */.Ikc({ expand: ids, data: ids, contract: ids });
const outcomeSchema = schemas/* enum */.k5n([
    'deployed',
    'unchanged',
    'done',
    'refused',
    'unhealthy',
    'rolled-back',
    'failed',
    'locked',
    'bad-input',
]);
/** What a verification found, as its requester sees it; findings are cut to a length that a person reads. */
const verificationViewSchema = schemas/* object */.Ikc({
    backup: schemas/* string */.YjP(),
    repository: schemas/* string */.YjP(),
    startedAt: schemas/* string */.YjP(),
    finishedAt: schemas/* string */.YjP(),
    outcome: schemas/* enum */.k5n(['passed', 'failed']),
    holds: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* number */.aig()),
    /** Documents, files and keys that did not come back as they were; null where nobody could count. */
    lost: schemas/* number */.aig().nullable(),
    levels: schemas/* array */.YOg(schemas/* object */.Ikc({
        level: schemas/* string */.YjP(),
        proves: schemas/* string */.YjP(),
        outcome: schemas/* enum */.k5n(['passed', 'failed', 'skipped']),
        checked: schemas/* number */.aig(),
        lost: schemas/* number */.aig(),
        /** How many findings there are; `findings` has the first. */
        found: schemas/* number */.aig(),
        findings: schemas/* array */.YOg(schemas/* string */.YjP()),
        seconds: schemas/* number */.aig(),
    })),
});
const resultSchema = schemas/* object */.Ikc({
    outcome: outcomeSchema,
    /** One line: what happened, why, what to do. */
    message: schemas/* string */.YjP(),
    /** More for a person to read, as Markdown. */
    details: schemas/* string */.YjP().optional(),
    verification: verificationViewSchema.optional(),
    direction: schemas/* enum */.k5n(['forward', 'back']).optional(),
    /** A refused deploy fits once the core was brought up: ask for `core`, then for the deploy again. */
    coreFirst: schemas/* boolean */.zMY().optional(),
    /** The ids of the release's migrations that are still to be applied, by phase; of a migration only. */
    pending: pendingSchema.optional(),
    /** The release that serves now; null when nothing does. */
    serving: release/* releaseIdSchema */.yU.nullable(),
    /** What served before this transaction. */
    previous: release/* releaseIdSchema */.yU.nullable(),
});
/** A line of the journal, and what followers see. `seq` counts from 1 in each transaction, `at` is ISO 8601. */
const eventSchema = schemas/* discriminatedUnion */.gMt('type', [
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('step'), step: schemas/* string */.YjP(), message: schemas/* string */.YjP() }),
    schemas/* object */.Ikc({
        seq: schemas/* number */.aig().int(),
        at: schemas/* string */.YjP(),
        type: schemas/* literal */.euz('progress'),
        step: schemas/* string */.YjP(),
        message: schemas/* string */.YjP(),
    }),
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('note'), message: schemas/* string */.YjP() }),
    schemas/* object */.Ikc({ seq: schemas/* number */.aig().int(), at: schemas/* string */.YjP(), type: schemas/* literal */.euz('result'), result: resultSchema }),
]);
const instanceView = schemas/* object */.Ikc({
    instance: schemas/* string */.YjP(),
    release: release/* releaseIdSchema */.yU,
    config: schemas/* string */.YjP(),
    content: release/* digestSchema */.er,
});
const statusSchema = schemas/* object */.Ikc({
    agent: schemas/* object */.Ikc({ version: schemas/* string */.YjP(), sha256: release/* digestSchema */.er, node: schemas/* string */.YjP(), engine: schemas/* string */.YjP() }),
    phase: schemas/* enum */.k5n(['idle', 'staging', 'switched']),
    transaction: schemas/* object */.Ikc({ id: schemas/* string */.YjP(), kind: schemas/* string */.YjP(), actor: schemas/* string */.YjP(), since: schemas/* string */.YjP(), step: schemas/* string */.YjP() })
        .nullable(),
    serving: instanceView.nullable(),
    candidate: instanceView.nullable(),
    warm: instanceView.extend({ until: schemas/* string */.YjP() }).nullable(),
    last: schemas/* object */.Ikc({ transaction: schemas/* string */.YjP(), result: resultSchema }).nullable(),
});
const releasesSchema = schemas/* object */.Ikc({
    releases: schemas/* array */.YOg(schemas/* object */.Ikc({
        id: release/* releaseIdSchema */.yU,
        reference: schemas/* string */.YjP(),
        content: release/* digestSchema */.er,
        commit: schemas/* string */.YjP(),
        accepted: schemas/* string */.YjP(),
        /** Why a rollback can go there, or cannot. */
        state: schemas/* enum */.k5n(['serving', 'warm', 'kept', 'pruned']),
    })),
});
/** How a database is reached: a login, and the port on the server's loopback. */
const databaseSchema = schemas/* object */.Ikc({
    port: schemas/* number */.aig().int(),
    database: schemas/* string */.YjP(),
    username: schemas/* string */.YjP(),
    password: schemas/* string */.YjP(),
});
/** A database that is open to a requester, and the migrations of the release for which it is. */
const openDatabaseSchema = databaseSchema.extend({
    release: release/* releaseIdSchema */.yU,
    migrations: schemas/* array */.YOg(release/* releaseMigrationSchema */.PJ),
});
/** What a requester says that its own part of a transaction came to. */
const reportSchema = schemas/* object */.Ikc({ outcome: schemas/* enum */.k5n(['done', 'refused', 'failed']), message: schemas/* string */.YjP().max(2000) });
/** One probe: `ok` needs an answer of the expected status and, where a version is known, that version. */
const healthSchema = schemas/* object */.Ikc({
    healthy: schemas/* boolean */.zMY(),
    checks: schemas/* array */.YOg(schemas/* object */.Ikc({ name: schemas/* string */.YjP(), critical: schemas/* boolean */.zMY(), ok: schemas/* boolean */.zMY(), detail: schemas/* string */.YjP(), ms: schemas/* number */.aig() })),
});
/** What the agent answers when it does not do what was asked. */
const problemSchema = schemas/* object */.Ikc({
    kind: schemas/* enum */.k5n(['refused', 'locked', 'bad-input', 'restarting', 'failed']),
    message: schemas/* string */.YjP(),
});

;// CONCATENATED MODULE: ./js/agent/client.js









/** The agent ends so that a newer one takes over. */
class Absent extends Error {
    name = 'Absent';
}
/** A client over the streams that `connect` opens, for example SSH sessions that run `pacs-agent ssh`. */
function openAgent(connect, { patience = 60_000 } = {}) {
    const http = duplexHttp(connect);
    const api = (0,client.hc)('http://pacs-agent', { fetch: http.fetch }).v1;
    const events = api.transactions[':id'].events;
    // A server that never answered is unreachable at once; one that did is given time to come back.
    let answered = false;
    async function ask(request) {
        const response = await request();
        const trouble = response.ok ? null : problemOf(response.status, await response.text().catch(cut));
        answered = true;
        if (trouble)
            throw trouble;
        return response;
    }
    function passes(thrown) {
        if (thrown instanceof Absent)
            return true;
        return answered && (thrown instanceof Cut || (thrown instanceof lib/* Failure */.HR && thrown.kind === 'unreachable'));
    }
    async function persist(operation) {
        const pause = backoff(patience);
        for (;;) {
            try {
                return await operation();
            }
            catch (thrown) {
                if (passes(thrown) && (await pause()))
                    continue;
                if (thrown instanceof Cut || thrown instanceof Absent) {
                    throw new lib/* Failure */.HR('unreachable', `the agent does not answer: ${thrown.message}`, { cause: thrown });
                }
                throw thrown;
            }
        }
    }
    function get(schema, request) {
        return persist(async () => {
            const response = await ask(request);
            return parseAnswer(schema, await response.text().catch(cut));
        });
    }
    async function* follow(id, { after = 0, signal } = {}) {
        let seen = after;
        let pause = backoff(patience);
        let lost = 'the stream ended early';
        do {
            try {
                const request = { param: { id }, query: { after: String(seen) } };
                const response = await ask(() => events.$get(request, signal ? { init: { signal } } : {}));
                for await (const event of (0,lib/* readJsonLines */.sS)(bodyOf(response), eventSchema)) {
                    if (event.seq <= seen)
                        continue;
                    pause = backoff(patience);
                    seen = event.seq;
                    yield event;
                    if (event.type === 'result')
                        return;
                }
            }
            catch (thrown) {
                signal?.throwIfAborted();
                if (thrown instanceof lib/* Failure */.HR && !passes(thrown))
                    throw thrown;
                lost = thrown;
            }
        } while (await pause(signal));
        throw new lib/* Failure */.HR('unknown', `no result of ${id} was seen: the connection was lost after event ${seen} (${(0,lib/* messageOf */.bD)(lost)}); ` +
            `the server goes on by itself, look with: pacs-agent follow ${id}`);
    }
    return {
        status: () => get(statusSchema, () => api.status.$get()),
        releases: () => get(releasesSchema, () => api.releases.$get()),
        health: () => get(healthSchema, () => api.health.$get()),
        async put(id, input) {
            const request = parseRequest(input);
            const pause = backoff(patience);
            let arrived = false;
            for (;;) {
                try {
                    await drain(await ask(() => api.transactions[':id'].$put({ param: { id }, json: request })));
                    return;
                }
                catch (thrown) {
                    arrived ||= thrown instanceof Cut;
                    if ((passes(thrown) || thrown instanceof Cut) && (await pause()))
                        continue;
                    if (!arrived)
                        throw thrown instanceof Absent ? new lib/* Failure */.HR('unreachable', thrown.message) : thrown;
                    const why = `no answer to ${id} was seen (${(0,lib/* messageOf */.bD)(thrown)})`;
                    throw new lib/* Failure */.HR('unknown', `${why}; whether it runs, the server says: pacs-agent follow ${id}`);
                }
            }
        },
        follow,
        abort: (id) => persist(async () => drain(await ask(() => api.transactions[':id'].$delete({ param: { id } })))),
        database: (id) => get(openDatabaseSchema, () => api.transactions[':id'].database.$get({ param: { id } })),
        report: (id, report) => persist(async () => drain(await ask(() => api.transactions[':id'].report.$put({ param: { id }, json: report })))),
        close: http.close,
    };
}
/**
 * What the requester did itself as it is reported, whatever came of it, so that nobody waits for one that met a bug.
 * @returns the report, and the bug with its stack, for the requester alone to see: its message may hold a document.
 */
async function reportOf(own) {
    try {
        return { report: await own };
    }
    catch (thrown) {
        if (thrown instanceof lib/* Failure */.HR) {
            const outcome = thrown.kind === 'failed' ? 'failed' : 'refused';
            return { report: { outcome, message: thrown.message.slice(0, 2000) } };
        }
        return { report: { outcome: 'failed', message: 'who asked met a bug, which it shows where it runs' }, bug: thrown };
    }
}
/** A client of the agent on this machine. */
function openSocket(path, options) {
    return openAgent(async () => {
        const socket = connectSocket(path);
        try {
            await once(socket, 'connect');
        }
        catch (thrown) {
            throw new Failure('unreachable', `${path}: ${messageOf(thrown)}; does it run? systemctl status pacs-agent`);
        }
        return socket;
    }, options);
}
function cut(thrown) {
    throw new Cut((0,lib/* messageOf */.bD)(thrown), { cause: thrown });
}
async function drain(response) {
    await response.arrayBuffer().catch(cut);
}
function bodyOf(response) {
    return response.body ? external_node_stream_.Readable.fromWeb(response.body) : external_node_stream_.Readable.from([]);
}
function parseRequest(input) {
    const parsed = requestSchema.safeParse(input);
    if (parsed.success)
        return parsed.data;
    throw (0,lib/* badInput */.AN)(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}
function parseAnswer(schema, text) {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success)
        return parsed.data;
    const [issue] = parsed.error.issues;
    throw new lib/* Failure */.HR('error', `the agent's answer is not understood (${issue?.path.join('.')}: ${issue?.message})`);
}
/** What the agent said no with; throws when it was no agent. */
function problemOf(status, text) {
    const parsed = problemSchema.safeParse(parseJson(text));
    if (!parsed.success)
        throw new lib/* Failure */.HR('unreachable', `what answers is no pacs-agent: HTTP ${status}`);
    const { kind, message } = parsed.data;
    return kind === 'restarting' ? new Absent(message) : new lib/* Failure */.HR(kind, message);
}
function parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch {
        return undefined;
    }
}
const PAUSES_MS = [100, 200, 400, 800, 1600, 3000];
/** Pauses between attempts: each call waits longer, and the one that would exceed `patience` milliseconds says false. */
function backoff(patience) {
    let waited = 0;
    let attempts = 0;
    return async (signal) => {
        const pause = PAUSES_MS[Math.min(attempts++, PAUSES_MS.length - 1)] ?? 0;
        waited += pause;
        if (waited > patience)
            return false;
        await (0,promises_.setTimeout)(pause, undefined, signal ? { signal } : {});
        return true;
    };
}


/***/ }),

/***/ 7736:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  HR: () => (/* reexport */ Failure),
  Zw: () => (/* reexport */ Problems),
  AN: () => (/* reexport */ badInput),
  rI: () => (/* reexport */ exitClass),
  a3: () => (/* reexport */ formatDuration),
  bD: () => (/* reexport */ messageOf),
  E9: () => (/* reexport */ parseDuration),
  sS: () => (/* reexport */ readJsonLines),
  $p: () => (/* reexport */ redactor),
  J5: () => (/* reexport */ refused),
  fR: () => (/* reexport */ replaceFile),
  eF: () => (/* reexport */ run),
  ec: () => (/* reexport */ sarifLog),
  lL: () => (/* reexport */ toolsLock),
  JR: () => (/* reexport */ tryRun)
});

// UNUSED EXPORTS: counted, pinnedToolSchema, syncDirectory

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
;// CONCATENATED MODULE: ./js/lib/durable-file.js



/**
 * Replaces `path` by `content` so that a reader, or a machine that lost its power, sees the old file or the new one and
 * nothing between: written beside it (in `scratch`, of the same file system), synced, renamed, and the directory synced.
 */
async function replaceFile(path, content, mode, scratch = (0,external_node_path_.dirname)(path)) {
    const beside = (0,external_node_path_.join)(scratch, `${(0,external_node_path_.basename)(path)}.${(0,external_node_crypto_.randomBytes)(6).toString('hex')}.new`);
    try {
        const file = await (0,promises_.open)(beside, 'wx', mode);
        try {
            await file.writeFile(content);
            await file.chmod(mode);
            await file.sync();
        }
        finally {
            await file.close();
        }
        await (0,promises_.rename)(beside, path);
    }
    catch (thrown) {
        await (0,promises_.rm)(beside, { force: true });
        throw thrown;
    }
    await syncDirectory((0,external_node_path_.dirname)(path));
}
/** Makes the names in a directory durable. */
async function syncDirectory(path) {
    const directory = await (0,promises_.open)(path, 'r');
    try {
        await directory.sync();
    }
    finally {
        await directory.close();
    }
}

;// CONCATENATED MODULE: ./js/lib/errors.js
/** What a red outcome means to a caller; the exit code of `pacs-agent` and the output `exit-class` of every action (docs/outcomes.md). */
const exitClass = {
    ok: 0,
    refused: 10,
    unhealthy: 11,
    'rolled-back': 20,
    failed: 21,
    error: 22,
    locked: 30,
    'bad-input': 40,
    unreachable: 50,
    unknown: 60,
};
/**
 * A failure that a person can act on: its message says what happened, why, and what to do. Anything else that is thrown is
 * a bug and keeps its stack.
 */
class Failure extends Error {
    name = 'Failure';
    kind;
    constructor(kind, message, options) {
        super(message, options);
        this.kind = kind;
    }
    get exitClass() {
        return exitClass[this.kind];
    }
}
/** A user's mistake: `message` names the value, what came, and what is allowed. */
function badInput(message) {
    return new Failure('bad-input', message);
}
/** A gate said no before anything changed: `message` names the gate and its evidence. */
function refused(message) {
    return new Failure('refused', message);
}
/** Collects every mistake, so that a person mends all of them at once instead of one per run. */
class Problems {
    #found = [];
    add(message) {
        this.#found.push(message);
    }
    get found() {
        return this.#found;
    }
    /** @throws Failure `bad-input` with all that was found, one per line. */
    throwIfAny() {
        if (this.#found.length > 0)
            throw badInput(this.#found.join('\n'));
    }
}
/** The message of whatever was thrown, for a log line. */
function messageOf(thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
}

;// CONCATENATED MODULE: ./js/lib/duration.js

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
/**
 * Milliseconds of a duration as people and Compose write it: `500ms`, `60s`, `1m30s`, `2h`.
 * @throws Failure `bad-input` that names `name`.
 */
function parseDuration(name, text) {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
    if (text === '' || parts.map((part) => part[0]).join('') !== text) {
        throw badInput(`${name}: "${text}" is no duration; write for example 500ms, 60s, 1m30s or 2h`);
    }
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
}
/** A duration of `ms` milliseconds for people: `0.4 s`, `12 s`, `3 min 5 s`, `26 h 0 min`, `2 d 1 h`. */
function formatDuration(ms) {
    if (ms < 10_000)
        return `${(ms / 1000).toFixed(1)} s`;
    const seconds = Math.round(ms / 1000);
    if (seconds < 120)
        return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 120)
        return `${minutes} min ${seconds % 60} s`;
    const hours = Math.floor(minutes / 60);
    return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

;// CONCATENATED MODULE: ./js/lib/json-lines.js
/** The longest line that is read from another side: 1 Mi characters. */
const MAX_LINE = 1024 * 1024;
/**
 * Reads a stream of JSON lines and yields each value as `schema` sees it.
 * @throws Error at the first line that is longer than 1 Mi characters, no JSON, or not of the schema; a last line without its newline is torn and left out.
 */
async function* readJsonLines(chunks, schema) {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of chunks) {
        rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
        let end = rest.indexOf('\n');
        while (end >= 0) {
            const line = rest.slice(0, end);
            rest = rest.slice(end + 1);
            refuseLong(line);
            if (line.trim() !== '')
                yield schema.parse(JSON.parse(line));
            end = rest.indexOf('\n');
        }
        refuseLong(rest);
    }
}
function refuseLong(line) {
    if (line.length > MAX_LINE)
        throw new Error(`a JSON line is longer than ${MAX_LINE} characters`);
}

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: external "node:string_decoder"
var external_node_string_decoder_ = __webpack_require__(6193);
;// CONCATENATED MODULE: ./js/lib/process.js




/** How much output of one child is kept in memory, per stream: 64 MiB. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** Milliseconds that a child has between SIGTERM and SIGKILL. */
const KILL_AFTER = 5000;
/** Children that run: none outlives this process when it ends by itself. */
const children = new Set();
process.on('exit', () => {
    for (const child of children)
        child.kill();
});
/**
 * Runs `file` with `args`, never through a shell, and waits for its end.
 * @returns output and exit code, whatever the code.
 * @throws Failure `error` when the program cannot be started, takes longer than `timeout`, or prints more than 64 MiB; the signal's reason on abort.
 */
async function tryRun(file, args, options) {
    const { signal, timeout, input, onLine, onBytes } = options;
    signal?.throwIfAborted();
    const child = start(file, args, options);
    children.add(child);
    const timers = [];
    let broken;
    const stop = (reason) => {
        if (broken)
            return;
        broken = { reason };
        child.kill();
        timers.push(setTimeout(() => child.kill('SIGKILL'), KILL_AFTER));
    };
    const failure = (what) => new Failure('error', `${file} ${args[0] ?? ''} ${what}`);
    const onAbort = () => stop(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    if (timeout !== undefined) {
        timers.push(setTimeout(() => stop(failure(`took longer than ${timeout} ms and was ended`)), timeout));
    }
    const read = (stream, take) => collect(child[stream], {
        take,
        onLine: onLine && ((line) => onLine(line, stream)),
        // What a caller's own function throws ends the child too, and is the caller's to see.
        onFault: (thrown) => stop(thrown ?? failure('printed more than 64 MiB')),
    });
    const [stdout, stderr] = [read('stdout', onBytes), read('stderr')];
    // One that reads nothing, or ends early, is judged by its exit code.
    child.stdin?.on('error', () => undefined).end(input);
    try {
        const code = await ended(child, file);
        if (broken)
            throw broken.reason;
        return { stdout: stdout(), stderr: stderr(), code };
    }
    finally {
        children.delete(child);
        signal?.removeEventListener('abort', onAbort);
        for (const timer of timers)
            clearTimeout(timer);
    }
}
function start(file, args, { env, cwd, input }) {
    try {
        return (0,external_node_child_process_.spawn)(file, args, {
            env,
            stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
            ...(cwd === undefined ? {} : { cwd }),
        });
    }
    catch (thrown) {
        throw notStarted(file, thrown);
    }
}
/** The exit code of a child, when it has ended and all that it printed was read. */
function ended(child, file) {
    return new Promise((resolve, reject) => {
        child.once('error', (thrown) => reject(notStarted(file, thrown)));
        child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : external_node_os_.constants.signals[signal])));
    });
}
function notStarted(file, thrown) {
    return new Failure('error', `${file} could not be started (${messageOf(thrown)}): is it installed?`);
}
/** Reads what a child prints. @returns what of it was kept, as text without its last line's end */
function collect(stream, { take, onLine, onFault }) {
    const kept = [];
    let size = 0;
    const decoder = new external_node_string_decoder_.StringDecoder('utf8');
    let rest = '';
    const lines = (text) => {
        const found = (rest + text).split(/\r?\n/);
        rest = found.pop() ?? '';
        for (const line of found)
            onLine?.(line);
    };
    const guarded = (work) => {
        try {
            work();
        }
        catch (thrown) {
            onFault(thrown);
        }
    };
    stream?.on('data', (bytes) => {
        if (onLine)
            guarded(() => lines(decoder.write(bytes)));
        if (take)
            return guarded(() => take(bytes));
        size += bytes.length;
        if (size > MAX_OUTPUT)
            onFault();
        else
            kept.push(bytes);
    });
    stream?.on('end', () => {
        if (onLine && rest !== '')
            guarded(() => onLine(rest));
    });
    return () => Buffer.concat(kept)
        .toString('utf8')
        .replace(/\r?\n$/, '');
}
/**
 * Runs `file` as {@link tryRun} does and asks for exit code 0.
 * @returns its standard output.
 * @throws Failure `error` with the last 10 lines of what the child said.
 */
async function run(file, args, options) {
    const result = await tryRun(file, args, options);
    if (result.code === 0)
        return result.stdout;
    const said = (result.stderr || result.stdout).split('\n').slice(-10).join('\n');
    const message = `${file} ${args[0] ?? ''} ended with ${result.code}: ${said}`;
    throw new Failure('error', options.redact ? options.redact(message) : message);
}

;// CONCATENATED MODULE: ./js/lib/redaction.js
/** Lines of up to this many characters are not treated as secrets: they would blank out ordinary text. */
const SHORTEST_SECRET = 4;
/**
 * A function that hides `secrets` in any text: the value, each of its lines, and its hex, URI and JSON encodings, and base64
 * of itself or of a longer text that holds it (`user:password`).
 * Values shorter than 4 characters are left alone.
 */
function redactor(secrets) {
    const forms = new Set();
    for (const secret of secrets) {
        for (const part of [secret, ...secret.split(/\r?\n/)]) {
            const text = part.trim();
            if (text.length < SHORTEST_SECRET)
                continue;
            forms.add(text);
            forms.add(encodeURIComponent(text));
            forms.add(JSON.stringify(text).slice(1, -1));
            for (const form of base64Forms(text))
                forms.add(form);
            forms.add(Buffer.from(text).toString('hex'));
        }
    }
    const longestFirst = [...forms].sort((a, b) => b.length - a.length);
    return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '***'), text);
}
/** Base64 of `text`, and the digits that it has wherever it stands in a longer text: they depend on its offset modulo 3. */
function base64Forms(text) {
    const bytes = Buffer.from(text);
    const within = [0, 1, 2].map((offset) => {
        const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
        return digits.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    });
    const forms = [bytes.toString('base64'), ...within.filter((digits) => digits.length >= SHORTEST_SECRET)];
    return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}

;// CONCATENATED MODULE: ./js/lib/sarif.js
/** What `tool` found as SARIF 2.1.0, for code scanning (docs.oasis-open.org/sarif/sarif/v2.1.0). */
function sarifLog(tool, results) {
    const rules = [...new Set(results.map(({ id }) => id))].map((id) => ({ id }));
    return {
        $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
        version: '2.1.0',
        runs: [
            {
                tool: { driver: { name: tool, rules } },
                results: results.map(({ id, level, file, line, text, because }) => ({
                    ruleId: id,
                    level,
                    message: { text },
                    locations: [{ physicalLocation: { artifactLocation: { uri: file }, region: { startLine: line } } }],
                    ...(because === undefined ? {} : { suppressions: [{ kind: 'inSource', justification: because }] }),
                })),
            },
        ],
    };
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/lib/tools-lock.js

const hash = schemas/* string */.YjP().regex(/^[0-9a-f]{64}$/);
const platform = schemas/* strictObject */.rej({
    url: schemas/* url */.OZ5({ protocol: /^https$/ }),
    /** SHA-256 of what the URL gives. */
    archive: hash,
    /** SHA-256 of the program in it; left out where nobody publishes it and the archive alone is pinned. */
    binary: hash.exactOptional(),
});
/** One program that is fetched. */
const pinnedToolSchema = schemas/* strictObject */.rej({
    version: schemas/* string */.YjP().regex(/^\d+\.\d+\.\d+$/),
    platforms: schemas/* partialRecord */.jgl(schemas/* enum */.k5n(['linux-x64', 'linux-arm64']), platform),
});
/** tools.lock.json: programs that are fetched, by name and platform. */
const toolsLock = schemas/* strictObject */.rej({
    tools: schemas/* record */.g1P(schemas/* string */.YjP().regex(/^[a-z][a-z0-9-]*$/), pinnedToolSchema),
});

;// CONCATENATED MODULE: ./js/lib/index.js











/***/ }),

/***/ 8880:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  CF: () => (/* reexport */ KIND_LABEL),
  rh: () => (/* reexport */ manifest_RELEASE_KIND),
  rF: () => (/* reexport */ registry_askRegistry),
  dj: () => (/* reexport */ canonicalJson),
  er: () => (/* reexport */ digestSchema),
  y6: () => (/* reexport */ reference_formatPinned),
  kA: () => (/* reexport */ listStackFiles),
  JO: () => (/* reexport */ migrationPhaseSchema),
  A4: () => (/* reexport */ parsePinned),
  Jz: () => (/* reexport */ registry_readRegistryImage),
  Fv: () => (/* reexport */ registryOf),
  Bf: () => (/* reexport */ releaseId),
  yU: () => (/* reexport */ releaseIdSchema),
  U1: () => (/* reexport */ releaseImageSchema),
  W8: () => (/* reexport */ releaseManifestSchema),
  PJ: () => (/* reexport */ releaseMigrationSchema),
  _L: () => (/* reexport */ repositorySchema),
  dW: () => (/* reexport */ requireManifest),
  sc: () => (/* reexport */ digest_sha256),
  RZ: () => (/* reexport */ stackHash),
  $D: () => (/* reexport */ verdictSchema),
  cb: () => (/* reexport */ writeReleaseContext)
});

// UNUSED EXPORTS: READING_LABEL, contentHash, isIndex, parseManifest, readReleaseImage

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/release/digest.js


/** `sha256:` and 64 lower-case hex digits. */
const digestSchema = schemas/* string */.YjP()
    .regex(/^sha256:[0-9a-f]{64}$/, 'is no digest (sha256: and 64 hex digits)')
    .brand('Digest');
/** The SHA-256 digest of `bytes`. */
function digest_sha256(bytes) {
    return digestSchema.parse(`sha256:${(0,external_node_crypto_.createHash)('sha256').update(bytes).digest('hex')}`);
}

// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/iso.js
var iso = __webpack_require__(3477);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/release/reference.js



// The grammar of distribution/reference: a registry host (with a dot, a port, or "localhost"), then path components.
const HOST = '(?:localhost|[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:))(?::[0-9]{1,5})?';
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${HOST}/${COMPONENT}(?:/${COMPONENT})*$`);
const PINNED = new RegExp(`^(${HOST}/${COMPONENT}(?:/${COMPONENT})*)@(sha256:[0-9a-f]{64})$`);
const MAX_LENGTH = 512;
/** A repository with its registry, without tag and digest: `ghcr.io/org/pacs/backend`. */
const repositorySchema = schemas/* string */.YjP()
    .max(MAX_LENGTH)
    .regex(REPOSITORY, 'is no repository with its registry (like ghcr.io/org/pacs)');
/**
 * Reads `repository@sha256:…`.
 * @throws Failure `bad-input` that names `name`; an empty value names the usual cause, a job output that GitHub dropped.
 */
function parsePinned(name, text) {
    if (text === '') {
        throw (0,lib/* badInput */.AN)(`${name} is empty: GitHub drops a job output that contains a masked string; look for "Skip output" in the job that pushed, and keep registry and repository names out of the secrets`);
    }
    const match = text.length <= MAX_LENGTH ? PINNED.exec(text) : null;
    if (!match?.[1]) {
        throw (0,lib/* badInput */.AN)(`${name}: "${text.slice(0, 120)}" is no image by digest; write registry/repository@sha256:<64 hex digits>`);
    }
    return { repository: match[1], digest: digestSchema.parse(match[2]) };
}
/** `repository@digest`. */
function reference_formatPinned(image) {
    return `${image.repository}@${image.digest}`;
}
/** The host (and port) of the registry that a repository names. */
function registryOf(repository) {
    return repository.slice(0, repository.indexOf('/'));
}

;// CONCATENATED MODULE: ./js/release/verdict.js


const count = schemas/* number */.aig().int().min(0);
/** What a scan says of an image that it lets pass; what it does not let pass gets no verdict. */
const verdictSchema = schemas/* strictObject */.rej({
    scanner: schemas/* strictObject */.rej({ version: schemas/* string */.YjP().regex(/^\d+\.\d+\.\d+$/), sha256: digestSchema }),
    /** When the vulnerability database was made. */
    database: iso/* datetime */.w$(),
    judged: iso/* datetime */.w$(),
    /** Everything that was found, by severity. */
    found: schemas/* strictObject */.rej({ critical: count, high: count, medium: count, low: count, unknown: count }),
    /** Findings that would refuse an image of one's own and that pass in a vendor's: `CVE-2026-1 in openssl`. */
    open: schemas/* array */.YOg(schemas/* string */.YjP().max(400)),
    /** Findings that a waiver lets pass. */
    waived: schemas/* array */.YOg(schemas/* string */.YjP().max(400)),
    /** Hash of the scanner's own report. */
    report: digestSchema,
});

;// CONCATENATED MODULE: ./js/release/manifest.js





/** What a release image calls itself in its label `org.pacs-deploy.kind`. */
const manifest_RELEASE_KIND = 'release';
/** `20261124t101500z-abc1234def01`: time in UTC and the first 12 digits of the commit; lower case, since it is a Compose project and a tag. */
const releaseIdSchema = schemas/* string */.YjP()
    .regex(/^\d{8}t\d{6}z-[0-9a-f]{12}$/, 'is no release id (like 20261124t101500z-abc1234def01)')
    .brand('ReleaseId');
const serviceName = schemas/* string */.YjP()
    .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'is no service name of lower-case letters, digits, - and _');
/** One image of the stack: `digest` is the registry's one-platform manifest, `config` the image configuration that it names. */
const releaseImageSchema = schemas/* strictObject */.rej({
    ref: repositorySchema,
    digest: digestSchema,
    config: digestSchema,
    platform: schemas/* string */.YjP().regex(/^[a-z0-9]+\/[a-z0-9]+(\/v[0-9]+)?$/),
    /** Null for what nobody has judged. */
    verdict: verdictSchema.nullable(),
});
/** When a migration runs: expand before a deploy, data after its seal, contract when no offered release needs the old shape. */
const migrationPhaseSchema = schemas/* enum */.k5n(['expand', 'data', 'contract']);
/** One migration that a release carries; its file is known by hash. */
const releaseMigrationSchema = schemas/* strictObject */.rej({
    id: schemas/* string */.YjP(),
    sha256: digestSchema,
    phase: migrationPhaseSchema,
});
const releaseManifestSchema = schemas/* strictObject */.rej({
    schema: schemas/* literal */.euz(1),
    id: releaseIdSchema,
    commit: schemas/* string */.YjP().regex(/^[0-9a-f]{40}$/),
    repository: schemas/* string */.YjP().min(1).max(200),
    actor: schemas/* string */.YjP().min(1).max(100),
    run: schemas/* string */.YjP().max(300),
    created: iso/* datetime */.w$(),
    images: schemas/* record */.g1P(serviceName, releaseImageSchema),
    migrations: schemas/* array */.YOg(releaseMigrationSchema),
    stack: digestSchema,
    agent: schemas/* strictObject */.rej({ version: schemas/* string */.YjP().regex(/^\d+\.\d+\.\d+$/), sha256: digestSchema }),
});
/**
 * Reads `release.json`.
 * @throws Failure `bad-input` that says which field of `source` is wrong and how.
 */
function manifest_parseManifest(source, text) {
    let value;
    try {
        value = JSON.parse(text);
    }
    catch {
        throw badInput(`${source} is not JSON: it was cut or is not a release manifest`);
    }
    const schema = z.object({ schema: z.unknown() }).safeParse(value);
    if (schema.success && schema.data.schema !== 1) {
        throw badInput(`${source} has schema ${JSON.stringify(schema.data.schema)}, this version reads schema 1: bring the same version of pacs-deploy to both sides`);
    }
    const parsed = releaseManifestSchema.safeParse(value);
    if (parsed.success)
        return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the manifest'}: ${issue.message}`);
    throw badInput(`${source} is no release manifest: ${problems.join('; ')}`);
}
/**
 * The hash of what a release is (all but id, actor, run, created, and when and with which database its images were judged): two builds
 * of the same content are the same release.
 */
function contentHash(manifest) {
    const { id: _id, actor: _actor, run: _run, created: _created, ...content } = manifest;
    const images = Object.entries(content.images).map(([service, { verdict: _verdict, ...image }]) => [service, image]);
    return sha256(canonicalJson({ ...content, images: Object.fromEntries(images) }));
}
/** The release id of a commit at a time. */
function releaseId(commit, created) {
    const time = created.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase();
    return releaseIdSchema.parse(`${time}z-${commit.slice(0, 12)}`);
}
/** JSON with sorted keys and no spaces, so that equal values give equal text. */
function canonicalJson(value) {
    return JSON.stringify(value, (_key, inner) => inner !== null && typeof inner === 'object' && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
        : inner);
}

// EXTERNAL MODULE: external "node:timers/promises"
var promises_ = __webpack_require__(8500);
;// CONCATENATED MODULE: ./js/release/registry-failure.js
/** Longest part of a registry's own words that is repeated to people. */
const MAX_DETAIL = 300;
// The order matters: a 502 with a web page in it is a passing fault, a 200 with one is a wrong address.
const PATTERNS = [
    ['certificate', /x509:|certificate signed by unknown authority|failed to verify certificate/i],
    ['plain-http', /server gave HTTP response to HTTPS client/i],
    ['passing', /toomanyrequests|too many requests|\b429\b|rate limit/i],
    ['passing', /\b50[0234]\b|internal server error|bad gateway|service unavailable|gateway time-?out/i],
    [
        'passing',
        /connection reset|connection refused|broken pipe|\bEOF\b|i\/o timeout|TLS handshake timeout|no such host|temporary failure|server misbehaving|network is unreachable|no route to host|deadline exceeded|Client\.Timeout|blob upload (?:unknown|invalid)|unknown blob/i,
    ],
    ['absent', /no such manifest|manifest unknown|name unknown|name_unknown|\bnot found\b/i],
    ['denied', /insufficient_scope|\b403\b|forbidden|denied/i],
    ['login', /unauthorized|authentication required|no basic auth credentials|incorrect username or password|\b401\b/i],
    ['web-page', /<html|<!doctype|text\/html|invalid character '<'/i],
];
/** Tells the registry failures apart by what `docker` printed. */
function classifyRegistryFailure(text) {
    const kind = PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other';
    if (kind === 'absent')
        return { kind };
    const detail = lastLine(text);
    const after = kind === 'passing' ? retryAfter(text) : undefined;
    return after === undefined || kind !== 'passing' ? { kind, detail } : { kind, detail, after };
}
/** One line that says what to do about a failure at `registry`; `what` is what was tried ("push ghcr.io/org/pacs/backend"). */
function describeRegistryFailure(registry, what, failure) {
    switch (failure.kind) {
        case 'absent':
            return `${what}: the registry ${registry} has no such image; was it pushed, and is the name right?`;
        case 'login':
            return `${what}: the registry ${registry} asks for another login (401): check user name and password or token, and that it has not expired (${failure.detail})`;
        case 'denied': {
            const [right, name] = /^(pull|read) /.test(what) ? ['read', 'name'] : ['write', 'prefix'];
            return `${what}: the registry ${registry} forbids it to this login (403): give the token the right to ${right} packages (on GitHub: permissions packages: ${right}), and check the ${name} (${failure.detail})`;
        }
        case 'certificate':
            return `${what}: the certificate of ${registry} is not trusted here: put its CA into /etc/docker/certs.d/${registry}/ca.crt (${failure.detail})`;
        case 'plain-http':
            return `${what}: the registry ${registry} speaks HTTP without TLS: give it a certificate (${failure.detail})`;
        case 'web-page':
            return `${what}: ${registry} answered with a web page, no registry: is the address right, or does a proxy stand in between? (${failure.detail})`;
        case 'passing':
            return `${what}: the registry ${registry} did not do it: ${failure.detail}; try again later`;
        case 'other':
            return `${what}: the registry ${registry} answered: ${failure.detail}`;
    }
}
// GHCR writes "toomanyrequests: retry-after: 1.2s, allowed: 44000/minute"; proxies repeat the header with seconds.
function retryAfter(text) {
    const match = /retry-after:?\s*(\d+(?:\.\d+)?)\s*(ms|µs|us|ns|s|m)?\b/i.exec(text);
    if (!match?.[1])
        return undefined;
    const unit = { ms: 1, s: 1000, m: 60_000 }[match[2] ?? 's'] ?? 0;
    return Math.ceil(Number(match[1]) * unit);
}
function lastLine(text) {
    const lines = text.split('\n').map((line) => line.trim());
    const last = lines.findLast((line) => line !== '') ?? 'nothing';
    return last.length <= MAX_DETAIL ? last : `${last.slice(0, MAX_DETAIL)}…`;
}

;// CONCATENATED MODULE: ./js/release/registry.js





/** Pauses in milliseconds between tries; one more try than pauses. */
const PAUSES = [1000, 4000, 10_000];
/** A registry that asks for a longer pause than 60 s is not waited for. */
const LONGEST_PAUSE = 60_000;
const manifestSchema = schemas/* object */.Ikc({ config: schemas/* object */.Ikc({ digest: digestSchema }) });
const inspectSchema = schemas/* union */.KCZ([
    schemas/* array */.YOg(schemas/* unknown */.L5J()),
    schemas/* object */.Ikc({
        Descriptor: schemas/* object */.Ikc({ digest: digestSchema }),
        SchemaV2Manifest: manifestSchema.optional(),
        OCIManifest: manifestSchema.optional(),
    }),
]);
/**
 * Asks the registry itself (never the local engine, never a mirror) what `reference` is.
 * @returns null when it has no such image, or the client calls its refusal so.
 * @throws Failure `refused` when it does not let us or is no registry, `error` when it stays away.
 */
async function registry_readRegistryImage(reference, access) {
    // The engine takes a registry on loopback without TLS, the client wants to be told so.
    const insecure = /^(localhost|127\.[0-9.]+|\[::1\])(:\d+)?$/.test(registryHost(reference)) ? ['--insecure'] : [];
    const args = ['manifest', 'inspect', '--verbose', ...insecure, reference];
    const answer = await registry_askRegistry('read', reference, args, access);
    if (typeof answer !== 'string')
        return null;
    const parsed = inspectSchema.safeParse(parseJson(answer));
    if (!parsed.success)
        throw (0,lib/* refused */.J5)(`${reference}: the registry's answer is no image manifest: ${answer.slice(0, 200)}`);
    if (Array.isArray(parsed.data))
        return { kind: 'index' };
    const config = (parsed.data.SchemaV2Manifest ?? parsed.data.OCIManifest)?.config.digest;
    if (config === undefined)
        throw (0,lib/* refused */.J5)(`${reference} is a manifest of a kind that names no image configuration`);
    return { kind: 'manifest', digest: parsed.data.Descriptor.digest, config };
}
/**
 * Runs a docker command that talks to a registry; passing faults (5xx, 429, cut connections) are tried again, at most four times in all.
 * @param verb for messages: "push", "pull", "read", "log in to".
 * @returns its standard output, or `absent` as a failure value when there is no such image.
 * @throws Failure `refused` or `error`, one line that says what to do.
 */
async function registry_askRegistry(verb, reference, args, access) {
    const { env, signal, log, redact = (text) => text, input, onLine } = access;
    const pause = access.pause ?? ((ms) => (0,promises_.setTimeout)(ms, undefined, { signal }));
    const registry = registryHost(reference);
    const what = `${verb} ${reference}`;
    for (let attempt = 0;; attempt++) {
        const { code, stdout, stderr } = await (0,lib/* tryRun */.JR)('docker', args, {
            env,
            signal,
            ...(input === undefined ? {} : { input }),
            ...(onLine ? { onLine: (line) => onLine(redact(line)) } : {}),
        });
        if (code === 0)
            return stdout;
        const failure = classifyRegistryFailure(redact(stderr || stdout));
        if (failure.kind === 'absent')
            return failure;
        const wait = failure.kind === 'passing' ? waitBefore(attempt, failure.after) : undefined;
        if (failure.kind !== 'passing' || wait === undefined)
            throw giveUp(registry, what, failure, attempt + 1);
        log(`${what}: ${failure.detail}; trying again in ${Math.ceil(wait / 1000)} s`);
        await pause(wait);
    }
}
/**
 * Reads `reference` back right after a push and asks for a one-platform manifest; one that is not there yet is waited for.
 * The client says "no such manifest" for many a refusal too, hence the wording.
 * @throws Failure `refused` for an index or when the registry does not give back what it took.
 */
async function requireManifest(reference, access) {
    const { signal } = access;
    const pause = access.pause ?? ((ms) => (0,promises_.setTimeout)(ms, undefined, { signal }));
    for (const wait of [...PAUSES, undefined]) {
        const image = await registry_readRegistryImage(reference, access);
        if (image?.kind === 'manifest')
            return image;
        if (image?.kind === 'index')
            throw registry_isIndex(reference);
        if (wait === undefined)
            break;
        await pause(wait);
    }
    throw (0,lib/* refused */.J5)(`${reference} was pushed, but ${registryHost(reference)} does not give it back: it says that there is none, or forbids reading, or something in between answers; check the login's right to read and push again`);
}
/** The refusal of an image index: it names several images, and only one of them was judged. */
function registry_isIndex(reference) {
    return (0,lib/* refused */.J5)(`${reference} is an index of several platforms, not one image: push a one-platform manifest (build with --provenance=false --sbom=false and one platform)`);
}
// Docker's rule: a first part with a dot or a port is a host, everything else lies on Docker Hub.
function registryHost(reference) {
    const [first = '', ...rest] = reference.split('/');
    if (/[.:]|^localhost$/.test(first) && (rest.length > 0 || !/:[^0-9]/.test(first)))
        return first;
    return 'docker.io';
}
function waitBefore(attempt, asked) {
    const own = PAUSES[attempt];
    if (own === undefined || (asked !== undefined && asked > LONGEST_PAUSE))
        return undefined;
    return Math.max(own, asked ?? 0);
}
function giveUp(registry, what, failure, tries) {
    const message = describeRegistryFailure(registry, what, failure);
    return failure.kind === 'passing' || failure.kind === 'other'
        ? new lib/* Failure */.HR('error', tries > 1 ? `${message} (tried ${tries} times)` : message)
        : (0,lib/* refused */.J5)(message);
}
function parseJson(text) {
    try {
        return JSON.parse(text);
    }
    catch (thrown) {
        return (0,lib/* messageOf */.bD)(thrown);
    }
}

// EXTERNAL MODULE: external "node:fs/promises"
var external_node_fs_promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
;// CONCATENATED MODULE: ./js/release/stack-files.js





/** What belongs to one machine and never into a release: values, secrets, keys, and what tools leave behind. */
const LEFT_OUT = [
    /^\.env(?!\.example$)(\..*)?$/,
    /^(secrets|certs|node_modules|\.git)$/,
    /\.(key|pem|p12|pfx|log|swp)$/,
    /^\.DS_Store$/,
];
/**
 * The files below `directory` that a release holds, sorted by path. Left out: `.env` and its kin (not `.env.example`),
 * `secrets`, `certs`, `node_modules`, `.git`, key files and logs.
 * @throws Failure `bad-input` for a link, a socket or another thing that is no file and no directory.
 */
function listStackFiles(directory) {
    return listFiles(directory, (name) => !LEFT_OUT.some((rule) => rule.test(name)));
}
/** Every file below `directory`, whatever its name: what a stack that came out of a release image is hashed by. */
function listAllFiles(directory) {
    return listFiles(directory, () => true);
}
/** The hash over path, executable bit and content of every file: the `stack` of a manifest. */
function stackHash(files) {
    return digest_sha256(canonicalJson(files.map((file) => [file.path, file.executable, file.sha256])));
}
async function listFiles(directory, isWanted) {
    const files = [];
    const visit = async (below) => {
        for (const name of await (0,external_node_fs_promises_.readdir)((0,external_node_path_.join)(directory, below))) {
            if (!isWanted(name))
                continue;
            const path = below === '' ? name : `${below}/${name}`;
            const stats = await (0,external_node_fs_promises_.lstat)((0,external_node_path_.join)(directory, path));
            if (stats.isDirectory())
                await visit(path);
            else
                files.push(await describe(directory, path, stats));
        }
    };
    await visit('');
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}
async function describe(directory, path, stats) {
    if (!stats.isFile()) {
        throw (0,lib/* badInput */.AN)(`${path} in ${directory} is a link or a special file: a release holds plain files only`);
    }
    return { path, executable: (stats.mode & 0o100) !== 0, sha256: digest_sha256(await (0,external_node_fs_promises_.readFile)((0,external_node_path_.join)(directory, path))) };
}

;// CONCATENATED MODULE: ./js/release/release-image.js









/** The label that tells a release image from others. */
const KIND_LABEL = 'org.pacs-deploy.kind';
/** The label of the container that is made to copy files out; one that a crash left behind is found by it. */
const READING_LABEL = 'org.pacs-deploy.reading';
/** Every file of a release image has this time, so that equal content gives an equal image. */
const FILE_TIME = new Date('2000-01-01T00:00:00Z');
/**
 * Lays the files of a release image down in the empty `directory`: `release.json`, `stack/**`, `agent/index.js`, with modes
 * and times that depend on nothing but the content.
 * @throws Failure `refused` when stack or agent are not those of the manifest.
 */
async function writeReleaseContext(directory, parts) {
    const { manifest, stackDirectory, agentFile } = parts;
    const files = await listStackFiles(stackDirectory);
    for (const { path, executable } of files) {
        await place((0,external_node_path_.join)(stackDirectory, path), (0,external_node_path_.join)(directory, 'stack', path), executable);
    }
    await place(agentFile, (0,external_node_path_.join)(directory, 'agent', 'index.js'), false);
    await (0,external_node_fs_promises_.writeFile)((0,external_node_path_.join)(directory, 'release.json'), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o644 });
    await verifyParts(directory, manifest, 'the release');
    await setTimes(directory);
}
/**
 * Pulls a release image by digest and copies its files into the empty directory `into`; stack and agent are compared with the manifest.
 * @throws Failure `bad-input` for what is no release image or of another schema, `refused` for an index, a wrong hash or a registry that says no, `error` for one that stays away.
 */
async function readReleaseImage(options) {
    const { pinned, into, env, signal } = options;
    const reference = formatPinned(pinned);
    const image = await readRegistryImage(reference, options);
    if (image?.kind === 'index')
        throw isIndex(reference);
    const pulled = await askRegistry('pull', reference, ['pull', '--quiet', reference], options);
    if (image === null || typeof pulled !== 'string') {
        throw badInput(`${reference}: the registry has no such image; take the output "release" of the push action`);
    }
    const docker = (args) => run('docker', args, { env, signal });
    const format = '{{json .Config.Labels}}';
    const labels = labelsSchema.parse(JSON.parse(await docker(['image', 'inspect', '--format', format, reference])));
    if (labels?.[KIND_LABEL] !== RELEASE_KIND) {
        throw badInput(`${reference} is no release image (no label ${KIND_LABEL}=${RELEASE_KIND}): give the output "release" of the push action`);
    }
    // A scratch image has no command, and create wants one; it never runs.
    const created = await docker(['create', '--label', `${READING_LABEL}=1`, reference, 'none']);
    const container = created.trim();
    try {
        for (const part of ['release.json', 'stack', 'agent']) {
            const copied = await tryRun('docker', ['cp', `${container}:/${part}`, join(into, part)], { env, signal });
            if (copied.code !== 0)
                throw badInput(`${reference} is no complete release image: it has no /${part}`);
        }
    }
    finally {
        await tryRun('docker', ['rm', '--force', '--volumes', container], { env });
    }
    const manifest = parseManifest(`release.json of ${reference}`, await readFile(join(into, 'release.json'), 'utf8'));
    await verifyParts(into, manifest, reference);
    return { manifest, stackDirectory: join(into, 'stack'), agentFile: join(into, 'agent', 'index.js') };
}
const labelsSchema = schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* string */.YjP()).nullable();
async function verifyParts(directory, manifest, name) {
    const stack = stackHash(await listAllFiles((0,external_node_path_.join)(directory, 'stack')));
    if (stack !== manifest.stack) {
        throw (0,lib/* refused */.J5)(`${name}: its stack files have the hash ${stack}, its manifest says ${manifest.stack}: push it again`);
    }
    const agent = digest_sha256(await (0,external_node_fs_promises_.readFile)((0,external_node_path_.join)(directory, 'agent', 'index.js')));
    if (agent !== manifest.agent.sha256) {
        throw (0,lib/* refused */.J5)(`${name}: its agent has the hash ${agent}, its manifest says ${manifest.agent.sha256}: push it again`);
    }
}
async function place(from, to, executable) {
    await (0,external_node_fs_promises_.mkdir)((0,external_node_path_.dirname)(to), { recursive: true, mode: 0o755 });
    await (0,external_node_fs_promises_.copyFile)(from, to);
    await (0,external_node_fs_promises_.chmod)(to, executable ? 0o755 : 0o644);
}
// Parents after their children: writing into a directory changes its time.
async function setTimes(directory) {
    for (const entry of await (0,external_node_fs_promises_.readdir)(directory, { withFileTypes: true })) {
        const path = (0,external_node_path_.join)(directory, entry.name);
        if (entry.isDirectory())
            await setTimes(path);
        await (0,external_node_fs_promises_.utimes)(path, FILE_TIME, FILE_TIME);
    }
}

;// CONCATENATED MODULE: ./js/release/index.js









/***/ }),

/***/ 490:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  Bn: () => (/* reexport */ closeConnection),
  wq: () => (/* reexport */ environmentNameSchema),
  jY: () => (/* reexport */ findEnvironment),
  g3: () => (/* reexport */ hostSchema),
  W3: () => (/* reexport */ normalizePrivateKey),
  JY: () => (/* reexport */ openConnection),
  X: () => (/* reexport */ openTunnel),
  ml: () => (/* reexport */ parseEnvironments),
  lu: () => (/* reexport */ portSchema),
  vJ: () => (/* reexport */ userSchema)
});

// UNUSED EXPORTS: fingerprint, targetSchema

// EXTERNAL MODULE: external "node:child_process"
var external_node_child_process_ = __webpack_require__(1421);
// EXTERNAL MODULE: external "node:events"
var external_node_events_ = __webpack_require__(8474);
// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/ssh/config.js
/** The names under which the generated files know the two machines; nothing from outside stands in argv. */
const SERVER = 'pacs-server';
const JUMP = 'pacs-jump';
/** Files of a connection, relative to its directory, in which every ssh process runs: short socket paths, nothing to quote. */
const files = { config: 'config', knownHosts: 'known_hosts', key: 'key', control: 'control' };
/** Everything that is not said here is off: no agent, no forwarding, no prompt, no host key that was not pinned. */
const COMMON = [
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    `UserKnownHostsFile ${files.knownHosts}`,
    'GlobalKnownHostsFile /dev/null',
    'UpdateHostKeys no',
    'CheckHostIP no',
    'VerifyHostKeyDNS no',
    'CanonicalizeHostname no',
    `IdentityFile ${files.key}`,
    'IdentitiesOnly yes',
    'IdentityAgent none',
    'AddKeysToAgent no',
    'PreferredAuthentications publickey',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'ForwardAgent no',
    'ForwardX11 no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    'Tunnel no',
    'RequestTTY no',
    'EscapeChar none',
    'ConnectTimeout 10',
    'ServerAliveInterval 5',
    'ServerAliveCountMax 3',
    'LogLevel ERROR',
];
/** The ssh_config of a connection. Its values have passed {@link targetSchema}. */
function renderConfig(target) {
    const blocks = [
        ...hostBlock(SERVER, target),
        `  ProxyJump ${target.jump ? JUMP : 'none'}`,
        `  ControlPath ./${files.control}`,
        ...(target.jump ? [...hostBlock(JUMP, target.jump), '  ProxyJump none', '  ControlPath none'] : []),
        'Host *',
        ...COMMON.map((line) => `  ${line}`),
    ];
    return `${blocks.join('\n')}\n`;
}
/** The known_hosts of a connection: each machine by the name that HostKeyAlias gives it. */
function renderKnownHosts(target) {
    const lines = [
        ...target['host-keys'].map((key) => `${SERVER} ${key}`),
        ...(target.jump?.['host-keys'] ?? []).map((key) => `${JUMP} ${key}`),
    ];
    return `${lines.join('\n')}\n`;
}
function hostBlock(alias, { host, port, user }) {
    return [`Host ${alias}`, `  HostName ${host}`, `  Port ${port}`, `  User ${user}`, `  HostKeyAlias ${alias}`];
}

// EXTERNAL MODULE: external "node:crypto"
var external_node_crypto_ = __webpack_require__(7598);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ../../node_modules/zod/v4/core/core.js
var core = __webpack_require__(6416);
;// CONCATENATED MODULE: ./js/ssh/target.js


// Narrower than what OpenSSH takes on purpose: nothing that passes here can be an option, a second line of a
// configuration, or mean something to a shell (ProxyJump runs one).
const NAME = /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
const IPV6 = /^(?=.{2,45}$)[0-9A-Fa-f]*:[0-9A-Fa-f:]*(?:\d{1,3}(?:\.\d{1,3}){3})?$/;
const USER = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;
const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa'];
const hostSchema = schemas/* string */.YjP()
    .refine((host) => NAME.test(host) || IPV6.test(host), 'is no host name or address (letters, digits, dots and inner hyphens)');
const userSchema = schemas/* string */.YjP().regex(USER, 'is no user name (letters, digits, _, . and -, not first)');
const portSchema = schemas/* number */.aig().int().min(1, 'is no port (1 to 65535)').max(65535, 'is no port (1 to 65535)');
/** A public host key as the server's `/etc/ssh/ssh_host_*_key.pub` holds it; a comment behind it is left out. */
const hostKeySchema = schemas/* string */.YjP().transform((value, context) => {
    const line = value.trim();
    const [type = '', body = '', ...rest] = line.split(/ +/);
    if (KEY_TYPES.includes(body)) {
        context.addIssue('begins with a host name; write the key alone: type and base64, like "ssh-ed25519 AAAA…"');
        return core/* NEVER */.tm;
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    const plain = !/[\u0000-\u001f\u007f]/.test(line) && /^[A-Za-z0-9+/]+={0,2}$/.test(body);
    if (!plain || !KEY_TYPES.includes(type) || keyTypeOf(body) !== type || rest.length > 3) {
        context.addIssue(`is no host key; write type and base64 of one of: ${KEY_TYPES.join(', ')}`);
        return core/* NEVER */.tm;
    }
    return `${type} ${body}`;
});
const hop = {
    host: hostSchema,
    port: portSchema.default(22),
    user: userSchema,
    'host-keys': schemas/* array */.YOg(hostKeySchema).min(1, 'is empty: a server without a pinned host key could be any server'),
};
/** A machine on the way to the server. */
const jumpSchema = schemas/* strictObject */.rej(hop);
/** How a server is reached. */
const targetSchema = schemas/* strictObject */.rej({ ...hop, jump: jumpSchema.optional() });
/** `SHA256:…` of a public key line, as ssh-keygen prints it. */
function fingerprint(publicKey) {
    const body = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
    return `SHA256:${(0,external_node_crypto_.createHash)('sha256').update(body).digest('base64').replace(/=+$/, '')}`;
}
/** The key type that the encoded key itself names: RFC 4253 strings begin with their length. */
function keyTypeOf(base64) {
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.length < 4)
        return '';
    return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1');
}

;// CONCATENATED MODULE: ./js/ssh/failures.js



/** Reads what ssh said (OpenSSH 9.2 to 10.x) before it gave up on `target`. */
function explainConnect(said, target) {
    const hop = failedHop(said, target);
    const name = nameOf(hop, target);
    const pinned = hop['host-keys'].map(fingerprint).join(', ');
    const final = (message) => ({ failure: (0,lib/* badInput */.AN)(message), retry: false });
    if (/Host key for .* has changed|REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) {
        const shown = /\b(SHA256:[A-Za-z0-9+/]{43})/.exec(said)?.[1] ?? 'another key';
        return final(`${name} shows the host key ${shown}, pinned is ${pinned}: either the server was set up anew, then put its new key ` +
            'into the environments file, or someone stands between; nothing was sent');
    }
    const unknown = /No (\S+) host key is known for/.exec(said);
    if (unknown || /Host key verification failed/.test(said)) {
        return final(`the host key of ${name} is not known${unknown ? ` (it shows a key of type ${unknown[1]})` : ''}, pinned is ${pinned}: ` +
            'read it on the server from /etc/ssh/ssh_host_ed25519_key.pub and put it into the environments file');
    }
    if (/Permission denied|Too many authentication failures/.test(said)) {
        return final(`${name} refused the SSH key for user ${hop.user}: is this the key of this environment, and is its public half ` +
            'among the authorized keys there? (not tried again: repeated refusals get an address blocked)');
    }
    if (/no matching (?:host key type|key exchange method|cipher|MAC)/.test(said)) {
        return final(`${name} and this ssh have no algorithm in common (${lastLine(said)}): update the older side`);
    }
    return {
        failure: new lib/* Failure */.HR('unreachable', `${name} cannot be reached: ${lastLine(said) || 'ssh ended without a word'}`),
        retry: true,
    };
}
/** Reads how a session ended that was to run the agent's end; undefined when it simply ended. */
function explainSession(code, said, target) {
    const name = nameOf(target, target);
    if (code === 127 || code === 126 || /pacs-agent: (?:command )?not found/.test(said)) {
        return (0,lib/* badInput */.AN)(`${name} has no pacs-agent: set the server up with deployment/production/scripts/setup-production.sh first`);
    }
    if (/administratively prohibited|Session open refused by peer/.test(said)) {
        return new lib/* Failure */.HR('unreachable', `${name} opens no more sessions (${lastLine(said)}): is MaxSessions of its sshd 0?`);
    }
    // 255 is ssh's own: the connection broke, and what the agent does meanwhile is not known from here.
    if (code === 0 || code === 255 || code === null)
        return undefined;
    return new lib/* Failure */.HR('unreachable', `pacs-agent on ${name} ended with ${code}: ${lastLine(said) || 'no message'}`);
}
/** Reads how a stream to `port` of the server ended that was to reach it; undefined when it simply ended. */
function explainForward(said, port, target) {
    // The client of a shared connection is not told which of the two it was.
    if (!/Session open refused by peer|stdio forwarding failed|administratively prohibited/.test(said))
        return undefined;
    return new lib/* Failure */.HR('unreachable', `127.0.0.1:${port} on ${nameOf(target, target)} cannot be reached: either nothing listens there, or the sshd there ` +
        `does not permit it to this key (permitopen="127.0.0.1:${port}", set by setup-production.sh)`);
}
/** The machine that ssh speaks of: a jump host's failure is followed by the broken pipe that the server's connection was to go through. */
function failedHop(said, target) {
    const { jump } = target;
    if (!jump)
        return target;
    const brokenPipe = /UNKNOWN port 65535|Connection closed by remote host|stdio forwarding failed/.test(said);
    const direct = said.includes(JUMP) || brokenPipe;
    // The jump host is fine when it was the one that could not open the way on.
    return direct && !/stdio forwarding failed|open failed: connect failed/.test(said) ? jump : target;
}
function nameOf(hop, target) {
    const address = hop.port === 22 ? hop.host : `${hop.host.includes(':') ? `[${hop.host}]` : hop.host}:${hop.port}`;
    return hop === target.jump ? `jump host ${address}` : address;
}
function lastLine(said) {
    const lines = said.split(/\r?\n/).filter((line) => line.trim() !== '');
    return (lines.find((line) => /ssh: |connect to host|resolve|open failed/i.test(line)) ?? lines.at(-1) ?? '')
        .trim()
        .slice(0, 300);
}

;// CONCATENATED MODULE: ./js/ssh/private-key.js

const OPENSSH = /^-----BEGIN OPENSSH PRIVATE KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END OPENSSH PRIVATE KEY-----\n$/;
const PEM = /^-----BEGIN (?:RSA |EC |)PRIVATE KEY-----\n[\s\S]+\n-----END (?:RSA |EC |)PRIVATE KEY-----\n$/;
const MAGIC = 'openssh-key-v1\0';
/**
 * The text of a private key as ssh wants it: line ends of Unix and one at the end, which a pasted secret often lacks.
 * @throws Failure `bad-input` that names `name` and says what is wrong, never what the key is.
 */
function normalizePrivateKey(name, text) {
    const key = `${text.replaceAll('\r\n', '\n').trim()}\n`;
    if (key.trim() === '')
        throw (0,lib/* badInput */.AN)(`${name} is empty: is the secret set in this environment?`);
    if (key.startsWith('PuTTY-User-Key-File')) {
        throw (0,lib/* badInput */.AN)(`${name} is a key of PuTTY: convert it with puttygen -O private-openssh`);
    }
    if (/^(?:ssh-|ecdsa-|sk-)/.test(key)) {
        throw (0,lib/* badInput */.AN)(`${name} is a public key: the private one is the file without .pub`);
    }
    if (/^-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/m.test(key) || cipherOf(key) === 'encrypted') {
        throw (0,lib/* badInput */.AN)(`${name} has a passphrase, which nobody can type in a job: make a key for this purpose with ssh-keygen -t ed25519 -N ''`);
    }
    if (cipherOf(key) !== 'none' && !PEM.test(key)) {
        throw (0,lib/* badInput */.AN)(`${name} is no private key that OpenSSH reads: it begins with "-----BEGIN OPENSSH PRIVATE KEY-----", ` +
            'has its line breaks, and ends with the END line (was it cut when it was pasted?)');
    }
    return key;
}
/** What an OpenSSH key file says of its encryption (PROTOCOL.key: magic, then the name of the cipher). */
function cipherOf(key) {
    const bytes = Buffer.from(OPENSSH.exec(key)?.[1] ?? '', 'base64');
    if (!bytes.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC)) || bytes.length < MAGIC.length + 8)
        return undefined;
    const length = bytes.readUInt32BE(MAGIC.length);
    const cipher = bytes.subarray(MAGIC.length + 4, MAGIC.length + 4 + length).toString('latin1');
    return cipher === 'none' ? 'none' : 'encrypted';
}

// EXTERNAL MODULE: external "node:stream"
var external_node_stream_ = __webpack_require__(7075);
;// CONCATENATED MODULE: ./js/ssh/session.js

/** What is kept of a child's complaints: the end of an endless banner is enough. */
const MAX_SAID = 16 * 1024;
/**
 * A child's standard output and input as one stream. It ends when the child has ended, so that a reader learns why before
 * it takes the silence for an answer.
 */
class ChildStream extends external_node_stream_.Duplex {
    #child;
    constructor(child, explain) {
        // The child ends both directions at once.
        super({ allowHalfOpen: false });
        this.#child = child;
        const said = collect(child.stderr);
        child.stdout.on('data', (chunk) => {
            if (!this.push(chunk))
                child.stdout.pause();
        });
        child.stdin.on('error', () => {
            // Told by the child's end.
        });
        child.on('error', (thrown) => this.destroy(thrown));
        child.on('close', (code) => {
            const failure = explain(code, said());
            if (failure)
                this.destroy(failure);
            else
                this.push(null);
        });
    }
    _read() {
        this.#child.stdout.resume();
    }
    _write(chunk, _encoding, done) {
        // A child that is gone reports itself by `close`, with its reason.
        this.#child.stdin.write(chunk, () => done());
    }
    _final(done) {
        // Node never calls back from the end of a pipe whose reader is gone.
        this.#child.stdin.end();
        done();
    }
    _destroy(thrown, done) {
        this.#child.kill();
        done(thrown);
    }
}
/** Collects the text of a stream; the returned function tells it. */
function collect(stream) {
    let said = '';
    stream.on('data', (chunk) => {
        said = (said + chunk.toString()).slice(-MAX_SAID);
    });
    return () => said;
}

;// CONCATENATED MODULE: ./js/ssh/connection.js











/** The one command that is ever asked of a server; the key line there forces it anyway. */
const REMOTE_COMMAND = ['pacs-agent', 'ssh'];
/** Pauses in milliseconds before another attempt to connect; refusals are never tried again. */
const PAUSES_MS = [1000, 2000, 4000];
/** Milliseconds for one attempt, from the first packet to the accepted key. */
const OPEN_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 2000;
/**
 * Connects to a server with pinned host keys.
 * @throws Failure `bad-input` (key, host key, refused key) or `unreachable` (after 4 attempts), one line each; nothing is left behind.
 */
async function openConnection(options) {
    const target = parseTarget(options.target);
    const key = normalizePrivateKey('the SSH key', options.key);
    const connection = new OpenSsh(target, options);
    try {
        await connection.prepare(key);
        await connection.connect();
        return connection;
    }
    catch (thrown) {
        await connection.close();
        throw thrown;
    }
}
/** Ends a connection whose process was killed, from its directory alone, and removes it. */
async function closeConnection(directory, env) {
    const exit = ['-F', files.config, '-O', 'exit', '--', SERVER];
    await (0,lib/* tryRun */.JR)('ssh', exit, { cwd: directory, env, timeout: CLOSE_LIMIT_MS }).catch(() => undefined);
    await (0,promises_.rm)(directory, { recursive: true, force: true });
}
class OpenSsh {
    #target;
    #options;
    #master;
    #connecting;
    #closed = false;
    #sessions = new Set();
    keyFingerprint = '';
    constructor(target, options) {
        this.#target = target;
        this.#options = options;
    }
    async prepare(key) {
        const { directory } = this.#options;
        await (0,promises_.mkdir)(directory, { mode: 0o700 });
        await this.#write(files.key, key);
        await this.#write(files.config, renderConfig(this.#target));
        await this.#write(files.knownHosts, renderKnownHosts(this.#target));
        const { env } = this.#options;
        const derived = await (0,lib/* tryRun */.JR)('ssh-keygen', ['-y', '-P', '', '-f', files.key], { cwd: directory, env });
        if (derived.code !== 0)
            throw (0,lib/* badInput */.AN)(`the SSH key is not readable: ${derived.stderr.split('\n').at(-1)}`);
        this.keyFingerprint = fingerprint(derived.stdout);
    }
    connect() {
        this.#connecting ??= this.#connectPatiently().finally(() => {
            this.#connecting = undefined;
        });
        return this.#connecting;
    }
    duplex() {
        return this.#open(['-T', '--', SERVER, ...REMOTE_COMMAND], (code, said) => explainSession(code, said, this.#target));
    }
    forward(port) {
        return this.#open(['-W', `127.0.0.1:${port}`, '--', SERVER], (_code, said) => explainForward(said, port, this.#target));
    }
    async #open(args, explain) {
        if (this.#closed)
            throw new lib/* Failure */.HR('unreachable', 'the SSH connection was closed');
        if (this.#master?.exitCode !== null || this.#master.signalCode !== null)
            await this.connect();
        const stream = new ChildStream(this.#spawn(args), explain);
        this.#sessions.add(stream);
        stream.once('close', () => this.#sessions.delete(stream));
        return stream;
    }
    async close() {
        if (this.#closed)
            return;
        this.#closed = true;
        for (const session of this.#sessions)
            session.destroy();
        const master = this.#master;
        const ended = master && master.exitCode === null && master.signalCode === null ? (0,external_node_events_.once)(master, 'exit') : undefined;
        await closeConnection(this.#options.directory, this.#options.env);
        if (!ended)
            return;
        await Promise.race([ended, (0,external_node_timers_promises_.setTimeout)(CLOSE_LIMIT_MS, undefined, { ref: false })]);
        master?.kill('SIGKILL');
    }
    async #connectPatiently() {
        const { signal, log } = this.#options;
        for (const pause of [...PAUSES_MS, undefined]) {
            signal?.throwIfAborted();
            const refusal = await this.#attempt();
            if (!refusal)
                return;
            if (!refusal.retry)
                throw refusal.failure;
            if (pause === undefined) {
                const attempts = PAUSES_MS.length + 1;
                throw new lib/* Failure */.HR('unreachable', `${refusal.failure.message} (tried ${attempts} times)`);
            }
            log?.(`${refusal.failure.message}; next attempt in ${pause / 1000} s`);
            await (0,external_node_timers_promises_.setTimeout)(pause, undefined, signal ? { signal } : {});
        }
    }
    async #attempt() {
        const control = (0,external_node_path_.join)(this.#options.directory, files.control);
        await (0,promises_.rm)(control, { force: true });
        const master = this.#spawn(['-N', '-M', '-o', 'ControlPersist=no', '--', SERVER]);
        this.#master = master;
        const said = collect(master.stderr);
        const stop = new AbortController();
        const ended = (0,external_node_events_.once)(master, 'close').catch((thrown) => Promise.reject(new lib/* Failure */.HR('error', missing(thrown))));
        try {
            const opened = await Promise.race([
                ended.then(() => false),
                exists(control, stop.signal),
                (0,external_node_timers_promises_.setTimeout)(OPEN_LIMIT_MS, undefined, { signal: stop.signal }),
                aborted(this.#options.signal, stop.signal),
            ]);
            if (opened === true)
                return undefined;
            if (opened === undefined)
                master.kill('SIGKILL');
            return explainConnect(opened === undefined ? `no accepted key after ${OPEN_LIMIT_MS / 1000} s` : said(), this.#target);
        }
        finally {
            stop.abort();
            ended.catch(() => undefined);
        }
    }
    // src/lib runs children to their end; these are streams that live on.
    #spawn(args) {
        const { directory, env } = this.#options;
        return (0,external_node_child_process_.spawn)('ssh', ['-F', files.config, ...args], { cwd: directory, env: { ...env }, stdio: 'pipe' });
    }
    #write(name, content) {
        return (0,promises_.writeFile)((0,external_node_path_.join)(this.#options.directory, name), content, { mode: 0o600, flag: 'wx' });
    }
}
function parseTarget(value) {
    const parsed = targetSchema.safeParse(value);
    if (parsed.success)
        return parsed.data;
    throw (0,lib/* badInput */.AN)(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
}
function missing(thrown) {
    return `ssh could not be started (${(0,lib/* messageOf */.bD)(thrown)}): install the OpenSSH client on this machine`;
}
const POLL_MS = 20;
/** True once `path` exists; ssh makes the control socket when the server has accepted the key. */
async function exists(path, stop) {
    while (!stop.aborted) {
        try {
            await (0,promises_.access)(path);
            return true;
        }
        catch {
            await (0,external_node_timers_promises_.setTimeout)(POLL_MS);
        }
    }
    return false;
}
function aborted(signal, stop) {
    return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop });
    });
}

// EXTERNAL MODULE: ../../node_modules/yaml/dist/index.js
var dist = __webpack_require__(3483);
;// CONCATENATED MODULE: ./js/ssh/environments.js




const environmentNameSchema = schemas/* string */.YjP()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, 'is no environment name (letters, digits, - and _)');
const publicUrlSchema = schemas/* string */.YjP()
    .refine((text) => URL.canParse(text) && /^https:$/.test(new URL(text).protocol) && !new URL(text).username, 'is no public URL (https://host, without user and password)');
const environmentSchema = targetSchema.extend({ 'public-url': publicUrlSchema });
const environmentsSchema = schemas/* record */.g1P(environmentNameSchema, environmentSchema);
/**
 * Reads the environments file.
 * @throws Failure `bad-input` with every mistake, each with file and line.
 */
function parseEnvironments(file, text) {
    const lines = new dist/* LineCounter */.HN();
    const document = (0,dist/* parseDocument */.Tp)(text, { lineCounter: lines });
    const problems = new lib/* Problems */.Zw();
    for (const { pos, message } of document.errors) {
        problems.add(`${file}:${lines.linePos(pos[0]).line}: ${message.split('\n')[0]}`);
    }
    problems.throwIfAny();
    const value = document.toJS({ maxAliasCount: 0 });
    const parsed = environmentsSchema.safeParse(value);
    if (!parsed.success) {
        for (const issue of parsed.error.issues) {
            const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
            for (const path of unknown.length > 0 ? unknown.map((key) => [...issue.path, key]) : [issue.path]) {
                const message = unknown.length > 0 ? `is not known; known are ${known(path)}` : messageOf(issue);
                problems.add(`${file}:${lineOf(path)}: ${path.join('.') || 'the file'} ${message}`);
            }
        }
        problems.throwIfAny();
        throw (0,lib/* badInput */.AN)(`${file} is no environments file`);
    }
    if (Object.keys(parsed.data).length === 0)
        throw (0,lib/* badInput */.AN)(`${file} names no environment`);
    return Object.entries(parsed.data).map(([name, { 'public-url': publicUrl, ...target }]) => ({
        name,
        target,
        publicUrl,
    }));
    /** The line of the value at `path`, or of the nearest mapping around what is missing. */
    function lineOf(path) {
        for (let length = path.length; length > 0; length--) {
            const node = document.getIn(path.slice(0, length), true);
            const range = schemas/* object */.Ikc({ range: schemas/* array */.YOg(schemas/* number */.aig()) }).safeParse(node);
            if (range.success)
                return lines.linePos(range.data.range[0] ?? 0).line;
        }
        return 1;
    }
}
/**
 * The environment called `name`.
 * @throws Failure `bad-input` that names the known ones.
 */
function findEnvironment(file, environments, name) {
    const found = environments.find((environment) => environment.name === name);
    if (found)
        return found;
    throw (0,lib/* badInput */.AN)(`${file} has no environment "${name}"; it has ${environments.map((each) => each.name).join(', ')}`);
}
function messageOf(issue) {
    // zod leaves the value out of its issues, since it could be a secret: only the message tells what came.
    if (issue.code === 'invalid_type') {
        return issue.message.endsWith('received undefined') ? 'is missing' : `is no ${issue.expected}`;
    }
    if (issue.code === 'invalid_key')
        return issue.issues[0]?.message ?? 'is no name';
    return issue.message;
}
function known(path) {
    const keys = Object.keys(environmentSchema.shape);
    return (path.at(-2) === 'jump' ? keys.filter((key) => key !== 'jump' && key !== 'public-url') : keys).join(', ');
}

// EXTERNAL MODULE: external "node:net"
var external_node_net_ = __webpack_require__(7030);
// EXTERNAL MODULE: external "node:stream/promises"
var external_node_stream_promises_ = __webpack_require__(6466);
;// CONCATENATED MODULE: ./js/ssh/tunnel.js





/** sockaddr_un holds 108 bytes, the last of them zero. */
const MAX_SOCKET_PATH = 107;
/**
 * Opens a tunnel to `port` on the loopback of the server: a socket in `directory` (0700, this user's alone), each connection
 * to which is a channel of `connection`. A connection that broke is made anew for the next one, so that a client which
 * connects again goes on. Nothing is asked of the other end here: a tunnel is open once the database has answered through it.
 */
async function openTunnel(connection, { port, directory }) {
    const socket = (0,external_node_path_.join)(directory, 'tunnel.sock');
    if (Buffer.byteLength(socket) > MAX_SOCKET_PATH) {
        throw (0,lib/* badInput */.AN)(`${directory} is too long a path for a socket: give the runner a shorter RUNNER_TEMP`);
    }
    const clients = new Set();
    let failure;
    function remember(thrown) {
        if (thrown instanceof lib/* Failure */.HR)
            failure = thrown;
    }
    async function relay(client) {
        clients.add(client);
        client.once('close', () => clients.delete(client));
        client.on('error', () => undefined);
        try {
            const stream = await connection.forward(port);
            stream.once('data', () => {
                failure = undefined;
            });
            stream.on('error', remember);
            await (0,external_node_stream_promises_.pipeline)(client, stream, client);
        }
        catch (thrown) {
            remember(thrown);
            client.destroy();
        }
    }
    const server = (0,external_node_net_.createServer)({ allowHalfOpen: true }, (client) => void relay(client));
    server.listen(socket);
    try {
        await (0,external_node_events_.once)(server, 'listening');
    }
    catch (thrown) {
        throw new lib/* Failure */.HR('error', `no socket can be made in ${directory}: ${(0,lib/* messageOf */.bD)(thrown)}`);
    }
    return {
        socket,
        get failure() {
            return failure;
        },
        async close() {
            const closed = new Promise((resolve) => server.close(() => resolve()));
            for (const client of clients)
                client.destroy();
            await closed;
        },
    };
}

;// CONCATENATED MODULE: ./js/ssh/index.js







/***/ })

};
