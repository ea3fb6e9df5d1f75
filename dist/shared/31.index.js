export const id = 31;
export const ids = [31];
export const modules = {

/***/ 1031:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   R7: () => (/* binding */ serverInputs),
/* harmony export */   eH: () => (/* binding */ withServer),
/* harmony export */   nY: () => (/* binding */ cleanUp)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4379);
/* harmony import */ var _agent_client_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(72);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7736);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(5149);
/* harmony import */ var _ssh_index_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(490);






const environmentName = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .matching */ .wC)(_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .environmentNameSchema */ .wq);
const privateKey = _ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .normalizePrivateKey */ .W3;
/** The inputs of every action that speaks with a server. */
const serverInputs = {
    environment: ((name, value) => {
        if (value === '')
            throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`${name} is missing: name one of the environments file`);
        return environmentName(name, value);
    }),
    'environments-file': _runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .path */ .Ae,
    'ssh-key': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .secret */ .rJ)(privateKey),
};
/** Speaks with the agent of an environment for as long as `work` takes; the connection is closed whatever happens. */
async function withServer(inputs, job, work) {
    const environment = await readEnvironment(inputs);
    job.report.rows.push(['environment', `${environment.name} (${environment.target.host})`]);
    const directory = await (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .makePrivateDirectory */ .Dn)();
    const connection = await (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .openConnection */ .JY)({
        target: environment.target,
        key: inputs['ssh-key'],
        directory: (0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'ssh'),
        env: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .childEnvironment */ .Qc)(),
        log: _runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .log */ .Rm.foreign,
        signal: job.signal,
    });
    const agent = (0,_agent_client_js__WEBPACK_IMPORTED_MODULE_2__/* .openAgent */ .QY)(() => connection.duplex());
    const tunnels = [];
    const tunnel = async (port) => {
        const opened = await (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .openTunnel */ .X)(connection, { port, directory });
        tunnels.push(opened);
        return opened;
    };
    try {
        _runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .log */ .Rm.info(`connected to ${environment.target.host} with the key whose public half is ${connection.keyFingerprint}`);
        return await work({ environment, agent, tunnel });
    }
    finally {
        agent.close();
        for (const opened of tunnels)
            await opened.close();
        await connection.close();
        await (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .removeDirectory */ .q)(directory);
    }
}
/** The post step of every action with private files: ends and removes what a killed main step left. */
function cleanUp() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .runPost */ .a2)(async () => {
        const directory = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .leftDirectory */ .L_)();
        if (directory === undefined)
            return;
        await (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .closeConnection */ .Bn)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.join)(directory, 'ssh'), (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .childEnvironment */ .Qc)());
        await (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .removeDirectory */ .q)(directory);
    });
}
async function readEnvironment(inputs) {
    const file = inputs['environments-file'];
    const found = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)((0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .jobContext */ .Rl)().workspace, file), 'utf8').catch(() => undefined);
    if (found === undefined) {
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`${file} cannot be read: does the job check the repository out, and is it the input environments-file?`);
    }
    return (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .findEnvironment */ .jY)(file, (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_5__/* .parseEnvironments */ .ml)(file, found), inputs.environment);
}


/***/ }),

/***/ 5149:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {


// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  fz: () => (/* reexport */ annotate),
  o3: () => (/* reexport */ cacheDirectory),
  Qc: () => (/* reexport */ childEnvironment),
  i_: () => (/* reexport */ distDirectory),
  p0: () => (/* reexport */ duration),
  Jt: () => (/* reexport */ flag),
  Rl: () => (/* reexport */ jobContext),
  px: () => (/* reexport */ keepIssue),
  L_: () => (/* reexport */ leftDirectory),
  Rm: () => (/* reexport */ log),
  Dn: () => (/* reexport */ makePrivateDirectory),
  dK: () => (/* reexport */ mask),
  wC: () => (/* reexport */ matching),
  yL: () => (/* reexport */ oneOf),
  lq: () => (/* reexport */ optional),
  Ae: () => (/* reexport */ path),
  pj: () => (/* reexport */ plain),
  Ko: () => (/* reexport */ readInputs),
  q: () => (/* reexport */ removeDirectory),
  mw: () => (/* reexport */ required),
  Cs: () => (/* reexport */ runAction),
  a2: () => (/* reexport */ runPost),
  rJ: () => (/* reexport */ secret),
  tI: () => (/* reexport */ startHeartbeat),
  Qq: () => (/* reexport */ inputs_text),
  rD: () => (/* reexport */ wholeNumber),
  m$: () => (/* reexport */ writeJobOutput),
  An: () => (/* reexport */ writeJsonFile),
  Kn: () => (/* reexport */ writeOutputs)
});

// UNUSED EXPORTS: containsMasked, hideMasked, renderSummary, writeSummary

// EXTERNAL MODULE: ../../node_modules/@actions/core/lib/core.js + 14 modules
var core = __webpack_require__(2825);
;// CONCATENATED MODULE: ./js/runner/log.js

const log = {
    info: core/* info */.pq,
    warning: core/* warning */.$e,
    foreign(text) {
        for (const line of text.split(/\r\n|[\r\n\u2028\u2029]/))
            (0,core/* info */.pq)(`  │ ${plain(line)}`);
    },
    async group(title, work) {
        (0,core/* startGroup */.Oh)(title);
        try {
            return await work();
        }
        finally {
            (0,core/* endGroup */.N4)();
        }
    },
};
/**
 * One line without colours and control characters. The runner takes `##[command]` anywhere in a line and `::command::` at
 * its beginning, after white space, for commands (actions/runner ActionCommand.cs).
 */
function plain(text) {
    return (text
        // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of terminals
        .replaceAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|.)/g, '')
        .replaceAll(/\s/g, ' ')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed here
        .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '')
        .replaceAll('##[', '## [')
        .replace(/^ *::/, ': :'));
}

// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/runner/masks.js


const masked = new Set();
/** The runner masks each line of a value by itself: a line this short would blank out ordinary text. */
const SHORTEST_MASK = 4;
/** Hides `secret` in everything that is printed from now on, and each of its lines. */
function mask(secret) {
    for (const line of [secret, ...secret.split(/\r?\n/)]) {
        const text = line.trim();
        // The frame of a PEM file is in every key: masking it would hide nothing and spoil messages.
        if (text.length < SHORTEST_MASK || text.startsWith('-----'))
            continue;
        if (masked.has(text))
            continue;
        masked.add(text);
        // GitHub's own list has one entry per line; the whole key would only add a second copy.
        if (!text.includes('\n'))
            (0,core/* setSecret */.Pq)(text);
    }
}
/** Hides in `text` what was masked so far, for texts that do not pass through the runner's log. */
const hideMasked = (text) => (0,lib/* redactor */.$p)([...masked])(text);
/** Whether GitHub would drop a job output of this value, as far as this action's own masks tell. */
function containsMasked(text) {
    return [...masked].some((secret) => text.includes(secret));
}

;// CONCATENATED MODULE: ./js/runner/annotations.js



/** GitHub shows ten annotations of a step on its page, and keeps the rest in the log. */
function annotate(annotations) {
    for (const { level, title, message, file, line } of annotations) {
        const print = level === 'error' ? core/* error */.z3 : core/* warning */.$e;
        print(plain(hideMasked(message)), { title, file, startLine: line });
    }
}

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
;// CONCATENATED MODULE: ./js/runner/context.js

function jobContext(env = process.env) {
    const repository = env.GITHUB_REPOSITORY ?? '';
    const runId = env.GITHUB_RUN_ID ?? '';
    const attempt = env.GITHUB_RUN_ATTEMPT ?? '1';
    return {
        workspace: (0,external_node_path_.resolve)(env.GITHUB_WORKSPACE ?? '.'),
        repository,
        // The one who started this attempt, not the one who made the run: a re-run is that person's act.
        actor: env.GITHUB_TRIGGERING_ACTOR || env.GITHUB_ACTOR || 'unknown',
        commit: env.GITHUB_SHA ?? '',
        runId,
        run: `${env.GITHUB_SERVER_URL ?? 'https://github.com'}/${repository}/actions/runs/${runId}/attempts/${attempt}`,
        baseBranch: env.GITHUB_BASE_REF || undefined,
        api: env.GITHUB_API_URL || 'https://api.github.com',
    };
}
/** The folder `dist` that the running action's entry lies in. */
function distDirectory() {
    return (0,external_node_path_.join)((0,external_node_path_.dirname)((0,external_node_path_.resolve)(process.argv[1] ?? '.')), '..');
}
/**
 * What a child process of an action gets to see: no inputs, no tokens. RUNNER_TRACKING_ID stays, so that the runner ends
 * what a killed action leaves behind.
 */
function childEnvironment(env = process.env) {
    return Object.fromEntries(INHERITED.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
const INHERITED = [
    'PATH',
    'HOME',
    'LANG',
    'TMPDIR',
    'XDG_RUNTIME_DIR',
    'RUNNER_TRACKING_ID',
    'SSL_CERT_FILE',
    'DOCKER_HOST',
    'DOCKER_CONFIG',
    'DOCKER_CONTEXT',
    'BUILDX_BUILDER',
    ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
;// CONCATENATED MODULE: ./js/runner/directory.js





/** The state under which the post step finds directories that the main step left. */
const STATE = 'private-directory';
/** Makes a directory that only this user can read, under RUNNER_TEMP. The post step removes it if this one cannot. */
async function makePrivateDirectory() {
    const directory = await (0,promises_.mkdtemp)((0,external_node_path_.join)(process.env.RUNNER_TEMP || (0,external_node_os_.tmpdir)(), 'pacs-'));
    (0,core/* saveState */.LZ)(STATE, directory);
    return directory;
}
/** The directory that the main step of this action made, if it came so far. */
function leftDirectory() {
    return (0,core/* getState */.Gu)(STATE) || undefined;
}
/** Removes what {@link makePrivateDirectory} made; nothing to remove is fine. */
async function removeDirectory(directory) {
    await (0,promises_.rm)(directory, { recursive: true, force: true });
}
/**
 * A directory of this user alone that outlives the job where the machine does.
 * @throws Failure `refused` when others can write to it
 */
async function cacheDirectory(env = process.env) {
    const directory = (0,external_node_path_.join)(env.XDG_CACHE_HOME || (0,external_node_path_.join)(env.HOME || (0,external_node_os_.homedir)(), '.cache'), 'pacs-deploy');
    await (0,promises_.mkdir)(directory, { recursive: true, mode: 0o700 });
    const found = await (0,promises_.lstat)(directory);
    if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
        throw (0,lib/* refused */.J5)(`${directory} must be a directory of this user that nobody else can write to: remove it and try again`);
    }
    return directory;
}

;// CONCATENATED MODULE: ./js/runner/inputs.js



/**
 * Reads the inputs of an action together; secrets are masked before anything can be printed.
 * @param amiss says what is wrong with the values together; it gets those that can be read.
 * @throws Failure `bad-input` with every mistake, one per line.
 */
function readInputs(readers, amiss = () => []) {
    const entries = Object.entries(readers).map(([name, read]) => ({ name, read, text: (0,core/* getInput */.V4)(name) }));
    for (const { read, text } of entries)
        if (read.secret)
            mask(text);
    const problems = new lib/* Problems */.Zw();
    const values = {};
    for (const { name, read, text } of entries) {
        try {
            values[name] = read(`input ${name}`, text);
        }
        catch (thrown) {
            if (!(thrown instanceof lib/* Failure */.HR))
                throw thrown;
            problems.add(thrown.message);
        }
    }
    for (const problem of amiss(values))
        problems.add(problem);
    problems.throwIfAny();
    return values;
}
/** Any text, also none. */
const inputs_text = (_name, value) => value;
/** A text that must be there. */
const required = (name, value) => {
    if (value === '')
        throw (0,lib/* badInput */.AN)(`${name} is missing: set it under \`with:\``);
    return value;
};
/** Reads a secret: `read` must not show the value in what it throws. */
function secret(read) {
    return Object.assign((name, value) => read(name, value), { secret: true });
}
/** Reads nothing when the input is absent. */
function optional(read) {
    return (name, value) => (value === '' ? undefined : read(name, value));
}
/** `true` or `false`, as YAML's core schema writes them. */
const flag = (name, value) => {
    if (/^(true|True|TRUE)$/.test(value))
        return true;
    if (/^(false|False|FALSE)$/.test(value))
        return false;
    throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is neither true nor false`);
};
/** Milliseconds of a duration such as `60s`, up to `longest` milliseconds. */
function duration(longest) {
    return (name, value) => {
        const milliseconds = (0,lib/* parseDuration */.E9)(name, value);
        if (milliseconds > longest)
            throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is longer than ${longest / 1000}s`);
        return milliseconds;
    };
}
/** A whole number from `least` to `most`. */
function wholeNumber(least, most) {
    return (name, value) => {
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
        if (number >= least && number <= most)
            return number;
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is no whole number from ${least} to ${most}`);
    };
}
/** One of a few words. */
function oneOf(...allowed) {
    return (name, value) => {
        const found = allowed.find((word) => word === value);
        if (found === undefined)
            throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is not allowed; write ${allowed.join(' or ')}`);
        return found;
    };
}
/** What a zod schema takes; its messages read on from the value, like "is no release id". */
function matching(schema) {
    return (name, value) => {
        const parsed = schema.safeParse(value);
        if (parsed.success)
            return parsed.data;
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
    };
}
/** A path inside the workspace or an absolute one, without what could be taken for an option or for two lines. */
const path = (name, value) => {
    required(name, value);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
    if (/^-|[\u0000-\u001f\u007f]/.test(value)) {
        throw (0,lib/* badInput */.AN)(`${name}: ${shown(value)} is no path; it must not begin with - or hold control characters`);
    }
    return value;
};
/** `value` for a message: quoted, control characters escaped, cut at 120 characters. */
function shown(value) {
    return JSON.stringify(value.length > 120 ? `${value.slice(0, 120)}…` : value);
}

// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
;// CONCATENATED MODULE: ./js/runner/issue-failures.js
// What GitHub's API says no with, and what is to be done about it.


const answerSchema = schemas/* object */.Ikc({
    status: schemas/* number */.aig(),
    response: schemas/* object */.Ikc({ headers: schemas/* record */.g1P(schemas/* string */.YjP(), schemas/* union */.KCZ([schemas/* string */.YjP(), schemas/* number */.aig()]).optional()) }).optional(),
});
/** Milliseconds before the second, third and fourth attempt. */
const PAUSES = [1000, 5000, 15_000];
/** Milliseconds that a job waits at the most for a rate limit to end. */
const LONGEST_PAUSE = 60_000;
/** Milliseconds to wait before attempt `attempt + 1`; null when another one is in vain. @param now milliseconds */
function pauseFor(thrown, attempt, now) {
    const { status, after, limited } = refusalOf(thrown, now);
    const passes = status === 0 || status >= 500 || limited;
    const pause = PAUSES[attempt - 1];
    if (!passes || pause === undefined)
        return null;
    if (after === null)
        return pause;
    return after <= LONGEST_PAUSE ? Math.max(after, pause) : null;
}
/** What GitHub's last answer means to a person. */
function failureOf(thrown, repository) {
    const { status, after, limited } = refusalOf(thrown, Date.now());
    const fail = (message) => new lib/* Failure */.HR('error', message, { cause: thrown });
    if (limited) {
        const until = after === null ? '' : ` until ${new Date(Date.now() + after).toISOString().slice(0, 19)}Z`;
        return fail(`GitHub lets this token ask nothing more${until} (HTTP ${status}): run it again later`);
    }
    if (status === 401)
        return fail('GitHub does not know this token (HTTP 401): is it the right one, and not expired?');
    if (status === 403) {
        return fail('the token may not write issues (HTTP 403): give the job the permission `issues: write`');
    }
    if (status === 404)
        return fail(`there is no ${repository} that this token may see (HTTP 404): give the job \`issues: write\``);
    if (status === 410)
        return fail(`${repository} has its issues turned off (HTTP 410): turn them on in its settings`);
    const why = status === 0 ? (0,lib/* messageOf */.bD)(thrown) : `HTTP ${status}`;
    return fail(`GitHub's API gave no good answer (${why}, ${PAUSES.length + 1} attempts)`);
}
function refusalOf(thrown, now) {
    const parsed = answerSchema.safeParse(thrown);
    if (!parsed.success)
        return { status: 0, after: null, limited: false };
    const { status, response } = parsed.data;
    const headers = response?.headers ?? {};
    // octokit gives a request that never had an answer the status 500, without a response.
    if (response === undefined)
        return { status: 0, after: null, limited: false };
    const seconds = (name) => {
        const value = Number(headers[name] ?? Number.NaN);
        return Number.isFinite(value) ? value : null;
    };
    const retry = seconds('retry-after');
    const used = seconds('x-ratelimit-remaining') === 0;
    const reset = used ? seconds('x-ratelimit-reset') : null;
    const limited = status === 429 || (status === 403 && (retry !== null || used));
    const after = retry !== null ? retry * 1000 : reset !== null ? Math.max(reset * 1000 - now, 0) : null;
    return { status, after, limited };
}

;// CONCATENATED MODULE: ./js/runner/issue.js


/** Milliseconds for one request. */
const PATIENCE = 20_000;
/** Who may have written an issue that is taken for ours: in a public repository anybody can put a marker into one. */
const TRUSTED = ['OWNER', 'MEMBER', 'COLLABORATOR'];
/**
 * Opens, updates or closes the one issue of a condition. It is found by its marker among the open issues, so that one that a
 * person closed is left alone and a second one is made; where two runs made two, the younger ones are closed.
 * @throws Failure `error` when GitHub does not let or cannot; bounded, and says what to do
 */
async function keepIssue(issue, options) {
    const { signal, sleep = (ms, stop) => (0,external_node_timers_promises_.setTimeout)(ms, undefined, { signal: stop }) } = options;
    const said = new Set();
    // The whole is repeated, not one request: what a lost answer hides is found by looking again.
    for (let attempt = 1;; attempt++) {
        try {
            return await keepOnce(issue, await Tracker.of(options, said));
        }
        catch (thrown) {
            signal.throwIfAborted();
            const pause = pauseFor(thrown, attempt, Date.now());
            if (pause === null)
                throw failureOf(thrown, options.repository);
            await sleep(pause, signal);
        }
    }
}
async function keepOnce(issue, tracker) {
    const { state, title, line } = issue;
    const body = `${markerLine(issue.marker)}\n${issue.body}`;
    const [first, ...others] = await tracker.find(markerLine(issue.marker));
    for (const { number } of others)
        await tracker.close(number, `The same as #${first?.number}.`);
    if (first === undefined) {
        return state === 'closed' ? { did: 'none', url: null } : { did: 'opened', url: await tracker.open(title, body) };
    }
    const { number, url } = first;
    if (state === 'closed') {
        await tracker.close(number, line);
        return { did: 'closed', url };
    }
    await tracker.update(number, title, body, line);
    return { did: 'updated', url };
}
function markerLine(marker) {
    if (!/^[\w .-]+$/.test(marker))
        throw new Error(`${JSON.stringify(marker)} cannot stand in a comment`);
    return `<!-- pacs-deploy: ${marker} -->`;
}
/** The issues of a repository. */
class Tracker {
    #client;
    #at;
    /** Numbers of the issues in whose thread the line of this run stands already. */
    #said;
    constructor(client, { repository, signal }, said) {
        const [owner = '', repo = ''] = repository.split('/');
        this.#at = { owner, repo };
        this.#said = said;
        this.#client = client;
        this.#client.hook.before('request', (request) => {
            request.request = { ...request.request, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) };
        });
    }
    /** Loaded where it is asked for: no other action waits for GitHub's client. */
    static async of(options, said) {
        const { getOctokit } = await Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 1329));
        return new Tracker(getOctokit(options.token, { baseUrl: options.api }), options, said);
    }
    /** The open issues that hold `marker`, oldest first. */
    async find(marker) {
        const found = [];
        const { issues } = this.#client.rest;
        const all = { ...this.#at, state: 'open', sort: 'created', direction: 'asc', per_page: 100 };
        for await (const { data } of this.#client.paginate.iterator(issues.listForRepo, all)) {
            for (const one of data) {
                const isOurs = one.user?.type === 'Bot' || TRUSTED.includes(one.author_association ?? '');
                if (one.pull_request || !isOurs || !one.body?.startsWith(marker))
                    continue;
                found.push({ number: one.number, url: one.html_url });
            }
        }
        return found.sort((a, b) => a.number - b.number);
    }
    async open(title, body) {
        return (await this.#client.rest.issues.create({ ...this.#at, title, body })).data.html_url;
    }
    async update(number, title, body, line) {
        await this.#client.rest.issues.update({ ...this.#at, issue_number: number, title, body });
        await this.#say(number, line);
    }
    async close(number, line) {
        await this.#say(number, line);
        await this.#client.rest.issues.update({
            ...this.#at,
            issue_number: number,
            state: 'closed',
            state_reason: 'completed',
        });
    }
    async #say(number, body) {
        if (this.#said.has(number))
            return;
        await this.#client.rest.issues.createComment({ ...this.#at, issue_number: number, body });
        this.#said.add(number);
    }
}

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
;// CONCATENATED MODULE: ./js/runner/outputs.js






/** Sets outputs of the action. Their values come from schemas or are JSON, so that a server cannot add names of its own. */
function writeOutputs(outputs) {
    for (const [name, value] of Object.entries(outputs))
        (0,core/* setOutput */.uH)(name, value === null ? '' : String(value));
}
/**
 * Sets an output that other jobs need.
 * @throws Failure `error` when GitHub would drop it, because it contains a masked string.
 */
function writeJobOutput(name, value) {
    if (containsMasked(value)) {
        throw new lib/* Failure */.HR('error', `output ${name} contains a masked string, so GitHub would hand an empty value to the next job: ` +
            'registry, repository and user names are no secrets, keep them in vars');
    }
    writeOutputs({ [name]: value });
}
/** Writes a value as a JSON file for later steps of this job, and for an artifact. @returns its path, under RUNNER_TEMP */
function writeJsonFile(name, value) {
    const path = (0,external_node_path_.join)(process.env.RUNNER_TEMP || (0,external_node_os_.tmpdir)(), name);
    (0,external_node_fs_.writeFileSync)(path, hideMasked(`${JSON.stringify(value, null, 2)}\n`));
    return path;
}

;// CONCATENATED MODULE: ./js/runner/progress.js


/** Long work shows at least this often that it goes on, in milliseconds. */
const BEAT_MS = 4000;
/** Says every few seconds that `what` goes on, how far it is and for how long it has. */
function startHeartbeat(what, beat = BEAT_MS) {
    const since = performance.now();
    let detail = '';
    const timer = setInterval(() => {
        log.foreign(`… ${what}${detail} (${(0,lib/* formatDuration */.a3)(performance.now() - since)})`);
    }, beat);
    return {
        tell(next) {
            detail = `: ${next}`;
        },
        stop: () => clearInterval(timer),
    };
}

;// CONCATENATED MODULE: ./js/runner/summary.js



/** GitHub aborts the upload of a summary above 1 MiB; nobody reads that much in 10 seconds. */
const MAX_BYTES = 64 * 1024;
const MAX_CELL = 300;
const LONGEST_IN_TABLE = 1000;
/** Appends a summary to the job's page, if there is one. */
function writeSummary(summary, file = process.env.GITHUB_STEP_SUMMARY) {
    if (file)
        (0,external_node_fs_.appendFileSync)(file, renderSummary(summary));
}
/** Markdown in which no value can be markup, below 64 KiB. */
function renderSummary({ good, title, message, rows, table }) {
    const lines = [`### ${good ? '✅' : '❌'} ${cell(title)}`, '', cell(message, 2000), ''];
    if (rows.length > 0)
        lines.push('| | |', '|---|---|', ...rows.map(([name, value]) => `| ${cell(name)} | ${cell(value)} |`), '');
    if (table && table.rows.length > 0) {
        const line = (cells) => `| ${cells.map((text) => cell(text, LONGEST_IN_TABLE)).join(' | ')} |`;
        lines.push(line(table.head), `|${'---|'.repeat(table.head.length)}`, ...table.rows.map(line), '');
    }
    const kept = [];
    let bytes = 0;
    for (const line of lines) {
        bytes += Buffer.byteLength(line) + 1;
        if (bytes > MAX_BYTES)
            return `${kept.join('\n')}\n\n(cut: the log has the rest)\n`;
        kept.push(line);
    }
    return `${kept.join('\n')}\n`;
}
function cell(text, longest = MAX_CELL) {
    const safe = plain(hideMasked(text));
    const cut = safe.length > longest ? `${safe.slice(0, longest)}…` : safe;
    return cut.replaceAll(/[\\`*_{}[\]<>|#&~!@]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

;// CONCATENATED MODULE: ./js/runner/run-action.js






/** The runner gives 7.5 s after SIGINT, then SIGTERM and 2.5 s; a clean-up that takes longer is left to the post step. */
const CANCEL_LIMIT_MS = 6000;
/**
 * Runs an action to the end of its process: one `::error` line and exit 1 on failure, the exit class as output `exit-class`.
 * A Failure is a person's to mend and shows no stack; all else is a bug and does.
 */
async function runAction(subject, main) {
    const cancel = new AbortController();
    const report = { subject, message: '', rows: [] };
    const finish = (thrown) => end(thrown, report);
    let explain = () => 'cancelled: nothing was started on a server';
    const onSignal = () => {
        if (cancel.signal.aborted)
            return;
        cancel.abort(new lib/* Failure */.HR('unknown', explain()));
        setTimeout(() => finish(cancel.signal.reason), CANCEL_LIMIT_MS).unref();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    process.on('unhandledRejection', (thrown) => finish(thrown));
    try {
        await main({
            signal: cancel.signal,
            onCancel: (next) => {
                explain = next;
            },
            report,
        });
        return finish();
    }
    catch (thrown) {
        return finish(cancel.signal.aborted ? cancel.signal.reason : thrown);
    }
}
/** Runs a post step: what it cannot clean up is said, never an error of the job. */
async function runPost(post) {
    try {
        await post();
    }
    catch (thrown) {
        (0,core/* info */.pq)(`clean-up: ${plain((0,lib/* messageOf */.bD)(thrown))}`);
    }
    process.exit(0);
}
// Sockets that hang must not hold the job: the process ends here, by its own hand.
function end(thrown, { subject, message, rows, table }) {
    if (thrown === undefined) {
        writeOutputs({ 'exit-class': lib/* exitClass */.rI.ok });
        writeSummary({ good: true, title: subject, message, rows, table });
        process.exit(0);
    }
    const failure = thrown instanceof lib/* Failure */.HR ? thrown : bug(thrown);
    writeOutputs({ 'exit-class': failure.exitClass });
    (0,core/* error */.z3)(hideMasked(failure.message));
    writeSummary({ good: false, title: `${subject}: ${failure.kind}`, message: failure.message, rows, table });
    process.exit(1);
}
/** Prints the stack of what should never have been thrown. */
function bug(thrown) {
    const stack = thrown instanceof Error ? (thrown.stack ?? '') : '';
    for (const line of hideMasked(stack).split('\n'))
        (0,core/* info */.pq)(plain(line));
    return new lib/* Failure */.HR('error', `this is a bug in pacs-deploy, please report it with the lines above: ${(0,lib/* messageOf */.bD)(thrown)}`);
}

;// CONCATENATED MODULE: ./js/runner/index.js













/***/ })

};
