export const id = 880;
export const ids = [880];
export const modules = {

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









/***/ })

};
