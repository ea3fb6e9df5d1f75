export const id = 923;
export const ids = [923];
export const modules = {

/***/ 4923:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main),
  post: () => (/* binding */ post)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: external "node:timers/promises"
var external_node_timers_promises_ = __webpack_require__(8500);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
;// CONCATENATED MODULE: ./js/health/gate.js


/**
 * Looks until every check was good `consecutive` times in a row.
 * @returns the findings of the last round.
 * @throws Failure `unhealthy` that names what was bad last; also when there is nothing to look at, since silence is not health.
 */
async function gate(checks, options) {
    const { consecutive, within, interval, onRound, signal } = options;
    if (checks.length === 0)
        throw new lib/* Failure */.HR('unhealthy', 'there is nothing to check: no evidence is no health');
    const started = performance.now();
    let good = 0;
    for (;;) {
        signal?.throwIfAborted();
        const findings = await Promise.all(checks.map((check) => lookOnce(check, options)));
        good = findings.every((finding) => finding.ok) ? good + 1 : 0;
        onRound?.(findings, good);
        if (good >= consecutive)
            return findings;
        if (performance.now() - started + interval > within)
            throw unhealthy(findings, good, options);
        await (0,external_node_timers_promises_.setTimeout)(interval, undefined, signal ? { signal } : {});
    }
}
/** Looks once. Whatever the check does, there is a finding within `patience`. */
async function lookOnce(check, { patience, signal }) {
    const late = AbortSignal.timeout(patience);
    const stop = signal ? AbortSignal.any([late, signal]) : late;
    const silence = new Promise((resolve) => {
        stop.addEventListener('abort', () => resolve({ ok: false, detail: `no answer within ${patience} ms` }), {
            once: true,
        });
    });
    const look = check.look(stop).catch((thrown) => ({ ok: false, detail: (0,lib/* messageOf */.bD)(thrown) }));
    return { name: check.name, ...(await Promise.race([look, silence])) };
}
function unhealthy(findings, good, { consecutive, within }) {
    const bad = findings.filter((finding) => !finding.ok).map(({ name, detail }) => `${name}: ${detail}`);
    const what = bad.length > 0 ? bad.join('; ') : `good only ${good} times in a row`;
    return new lib/* Failure */.HR('unhealthy', `not well ${consecutive} times in a row within ${(0,lib/* formatDuration */.a3)(within)}: ${what}`);
}

// EXTERNAL MODULE: external "node:http"
var external_node_http_ = __webpack_require__(7067);
// EXTERNAL MODULE: external "node:https"
var external_node_https_ = __webpack_require__(4708);
;// CONCATENATED MODULE: ./js/health/probe.js



const MAX_BODY = 256 * 1024;
/**
 * Asks `url` once, on a connection of its own, as a browser outside would: the certificate is checked, the body read to its
 * end, and a redirect is an answer like any other.
 */
function probe(url, { ca, timeout, at, headers, signal }) {
    const started = performance.now();
    const took = () => Math.round(performance.now() - started);
    return new Promise((resolve) => {
        const late = AbortSignal.timeout(timeout);
        const outgoing = start(url, {
            agent: false,
            signal: signal ? AbortSignal.any([late, signal]) : late,
            headers: { 'user-agent': 'pacs-deploy health-check', 'cache-control': 'no-cache', ...headers },
            ...(ca === undefined ? {} : { ca }),
            ...at,
        });
        const fail = (thrown) => {
            const error = late.aborted ? `no answer within ${timeout} ms` : (0,lib/* messageOf */.bD)(thrown);
            resolve({ ok: false, error, ms: took() });
        };
        outgoing.on('error', fail);
        outgoing.on('response', (response) => {
            let body = '';
            response.setEncoding('utf8').on('data', (text) => {
                if (body.length < MAX_BODY)
                    body += text;
            });
            response.on('error', fail);
            response.on('end', () => {
                // `end` also comes when the connection broke in the middle of the body.
                if (!response.complete)
                    return fail(new Error('the answer was cut'));
                resolve({ ok: true, status: response.statusCode ?? 0, headers: response.headers, body, ms: took() });
            });
        });
        outgoing.end();
    });
}
function start(url, options) {
    const { protocol, host, hostname } = new URL(url);
    if (protocol !== 'https:')
        return (0,external_node_http_.request)(url, options);
    return (0,external_node_https_.request)(url, { ...options, headers: { ...options.headers, host }, servername: hostname });
}

;// CONCATENATED MODULE: ./js/health/public-check.js

/** Checks from outside that a page comes (2xx or 3xx) and that the wanted release is the one that answers. */
function publicCheck({ url, identity, ...options }) {
    return {
        name: url,
        async look(signal) {
            const answer = await probe(url, { ...options, signal });
            if (!answer.ok)
                return { ok: false, detail: answer.error };
            const { status, headers, ms } = answer;
            if (status < 200 || status > 399)
                return { ok: false, detail: `status ${status}` };
            const seen = headers[identity.header.toLowerCase()];
            if (seen === identity.value)
                return { ok: true, detail: `status ${status} from instance ${seen} (${ms} ms)` };
            return {
                ok: false,
                detail: `status ${status}, but ${identity.header} is ${seen ?? 'absent'}, wanted ${identity.value}: something else answers there`,
            };
        },
    };
}

;// CONCATENATED MODULE: ./js/health/index.js




// EXTERNAL MODULE: ./js/runner/index.js + 12 modules
var runner = __webpack_require__(5149);
// EXTERNAL MODULE: ./js/stack/index.js + 26 modules
var stack = __webpack_require__(6094);
// EXTERNAL MODULE: ./js/actions/server.js
var server = __webpack_require__(1031);
// EXTERNAL MODULE: ./js/actions/transaction-inputs.js
var transaction_inputs = __webpack_require__(1766);
;// CONCATENATED MODULE: ./js/actions/health-check.js








/** Carried by every answer through the public entry: the agent's routers add it. */
const INSTANCE_HEADER = 'x-pacs-instance';
const INTERVAL_MS = 1000;
const PATIENCE_MS = 10_000;
function main() {
    return (0,runner/* runAction */.Cs)('Health', async (job) => {
        const inputs = (0,runner/* readInputs */.Ko)({
            ...server/* serverInputs */.R7,
            release: (0,runner/* optional */.lq)(transaction_inputs/* releaseReference */.H),
            consecutive: (0,runner/* wholeNumber */.rD)(1, 100),
            within: (0,runner/* duration */.p0)(3_600_000),
            'ca-file': (0,runner/* optional */.lq)(runner/* path */.Ae),
        });
        job.report.subject = `Health of ${inputs.environment}`;
        const ca = await readAuthorities(inputs['ca-file']);
        await (0,server/* withServer */.eH)(inputs, job, async ({ environment, agent }) => {
            const { instance, release } = await serving(agent, inputs.release);
            job.report.rows.push(['serving', release], ['public URL', environment.publicUrl]);
            const identity = { header: INSTANCE_HEADER, value: (0,stack.i8)(instance) };
            const findings = await gate([
                agentCheck(agent),
                publicCheck({ url: environment.publicUrl, identity, timeout: PATIENCE_MS, ...(ca ? { ca } : {}) }),
            ], {
                consecutive: inputs.consecutive,
                within: inputs.within,
                interval: INTERVAL_MS,
                patience: PATIENCE_MS,
                signal: job.signal,
                onRound: (found, good) => {
                    for (const { name, ok, detail } of found)
                        runner/* log */.Rm.foreign(`${ok ? 'good' : 'bad'}: ${name}: ${detail}`);
                    runner/* log */.Rm.info(`  ${good} of ${inputs.consecutive} good rounds in a row`);
                },
            });
            job.report.message = `${release} serves and is well, ${inputs.consecutive} times in a row.`;
            for (const { name, detail } of findings)
                job.report.rows.push([name, detail]);
        });
    });
}
const post = server/* cleanUp */.nY;
/** What the server says of each of its parts; a report without a single check is no evidence. */
function agentCheck(agent) {
    return {
        name: 'agent',
        async look() {
            const { healthy, checks } = await agent.health();
            const bad = checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`);
            if (checks.length === 0)
                return { ok: false, detail: 'the agent checked nothing' };
            return { ok: healthy, detail: bad.length > 0 ? bad.join('; ') : `${checks.length} checks are good` };
        },
    };
}
/** What serves; it must be `wanted` where that is given. */
async function serving(agent, wanted) {
    const status = await agent.status();
    if (!status.serving)
        throw new lib/* Failure */.HR('unhealthy', 'nothing serves: no release was deployed to this server yet');
    if (wanted === undefined)
        return status.serving;
    const { releases } = await agent.releases();
    const found = releases.find(({ reference }) => reference === wanted);
    if (found?.id === status.serving.release)
        return status.serving;
    throw new lib/* Failure */.HR('unhealthy', `${status.serving.release} serves, not ${found?.id ?? wanted}`);
}
async function readAuthorities(file) {
    if (file === undefined)
        return undefined;
    const text = await (0,promises_.readFile)((0,external_node_path_.resolve)((0,runner/* jobContext */.Rl)().workspace, file), 'utf8').catch(() => '');
    if (text.includes('-----BEGIN CERTIFICATE-----'))
        return text;
    throw (0,lib/* badInput */.AN)(`input ca-file: ${file} cannot be read or holds no certificate in PEM form`);
}


/***/ }),

/***/ 1766:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ releaseReference),
/* harmony export */   LR: () => (/* binding */ watchInputs),
/* harmony export */   P4: () => (/* binding */ registryInputs),
/* harmony export */   j8: () => (/* binding */ registryLogin),
/* harmony export */   l2: () => (/* binding */ requester)
/* harmony export */ });
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8880);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(5149);


const HOUR_MS = 3_600_000;
/** How long a release is watched, and how long the one before it stays at hand. */
const watchInputs = {
    watch: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(HOUR_MS),
    hold: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(HOUR_MS),
    'keep-warm': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .duration */ .p0)(24 * HOUR_MS),
};
/** The login with which the server pulls; an empty password leaves it to what the server has. */
const registryInputs = {
    'registry-username': _runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .text */ .Qq,
    'registry-password': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .secret */ .rJ)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .required */ .mw)),
};
/** `release` by digest, in its one spelling. */
const releaseReference = (name, value) => (0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .formatPinned */ .y6)((0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .parsePinned */ .A4)(name, value));
/** The login for the registry of `image`, if a password came. */
function registryLogin(inputs, image) {
    const { 'registry-username': username, 'registry-password': password } = inputs;
    return password === undefined ? {} : { registry: { server: (0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .registryOf */ .Fv)(image.repository), username, password } };
}
/** Who asks, for the server's audit. */
function requester() {
    const { actor, run } = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .jobContext */ .Rl)();
    return { actor, run };
}


/***/ })

};
