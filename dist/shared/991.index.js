export const id = 991;
export const ids = [991];
export const modules = {

/***/ 5991:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   main: () => (/* binding */ main),
/* harmony export */   post: () => (/* binding */ post)
/* harmony export */ });
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9460);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4850);
/* harmony import */ var _server_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(3928);
/* harmony import */ var _transaction_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(6214);
/* harmony import */ var _transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(4838);





function main() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .runAction */ .Cs)('Deploy', async (job) => {
        const inputs = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .readInputs */ .Ko)({
            ..._server_js__WEBPACK_IMPORTED_MODULE_2__/* .serverInputs */ .R7,
            release: _transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__/* .releaseReference */ .H,
            'allow-core': _runner_index_js__WEBPACK_IMPORTED_MODULE_1__/* .flag */ .Jt,
            ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__/* .watchInputs */ .LR,
            ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__/* .registryInputs */ .P4,
        });
        const { environment, release, 'allow-core': allowCore, watch, hold, 'keep-warm': keepWarm } = inputs;
        job.report.subject = `Deploy to ${environment}`;
        job.report.rows.push(['release', release]);
        const asked = { ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__/* .requester */ .l2)(), ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_4__/* .registryLogin */ .j8)(inputs, (0,_release_index_js__WEBPACK_IMPORTED_MODULE_0__/* .parsePinned */ .A4)('release', release)), release, allowCore };
        await (0,_server_js__WEBPACK_IMPORTED_MODULE_2__/* .withServer */ .eH)(inputs, job, async ({ agent }) => {
            const requests = [
                { kind: 'core', ...asked },
                { kind: 'deploy', ...asked, watch, hold, keepWarm },
            ];
            await (0,_transaction_js__WEBPACK_IMPORTED_MODULE_3__/* .carryOut */ .u)(requests, { environment, release }, agent, job);
        });
    });
}
const post = _server_js__WEBPACK_IMPORTED_MODULE_2__/* .cleanUp */ .nY;


/***/ }),

/***/ 4838:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   H: () => (/* binding */ releaseReference),
/* harmony export */   LR: () => (/* binding */ watchInputs),
/* harmony export */   P4: () => (/* binding */ registryInputs),
/* harmony export */   j8: () => (/* binding */ registryLogin),
/* harmony export */   l2: () => (/* binding */ requester)
/* harmony export */ });
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(9460);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4850);


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


/***/ }),

/***/ 6214:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   u: () => (/* binding */ carryOut)
/* harmony export */ });
/* unused harmony export transactionPrefix */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7529);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4850);



/**
 * Has the agent carry out `requests` one after the other and follows each to its result. What an earlier attempt of this
 * workflow run began for the same purpose and still runs is followed instead of asked for again.
 * @returns the last result.
 * @throws Failure of the kind of the first red outcome; `unknown` when the job is cancelled or no result was seen.
 */
async function carryOut(requests, purpose, agent, job) {
    const prefixes = requests.map(({ kind }) => transactionPrefix(kind, purpose));
    const running = (await agent.status()).transaction?.id;
    const first = Math.max(0, prefixes.findIndex((prefix) => running?.startsWith(prefix)));
    let result;
    for (const [index, request] of requests.entries()) {
        if (index < first)
            continue;
        const prefix = prefixes[index] ?? '';
        const attached = running?.startsWith(prefix) ? running : undefined;
        result = await carryOutOne(attached ?? `${prefix}${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(4).toString('hex')}`, request, agent, job, !attached);
    }
    if (!result)
        throw new Error('nothing was asked for');
    return result;
}
async function carryOutOne(id, request, agent, job, ask) {
    job.signal.throwIfAborted();
    job.onCancel(() => `cancelled here, not on the server: ${request.kind} goes on there if it was accepted; on the server: ` +
        `pacs-agent follow ${id} shows it, pacs-agent abort ${id} undoes it`);
    return _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .log */ .Rm.group(`${request.kind} (${id})`, async () => {
        if (ask)
            await untilAborted(agent.put(id, request), job.signal);
        else
            _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .log */ .Rm.info('an earlier attempt of this run began this; it still runs and is followed');
        const result = await show(agent.follow(id, { signal: job.signal }), job);
        job.report.rows.push([request.kind, `${result.outcome} (${id})`]);
        const red = RED.find((kind) => kind === result.outcome);
        if (request.kind !== 'core' || red)
            reportResult(id, result, job);
        if (red)
            throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .Failure */ .HR(red, `${red}: ${(0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .plain */ .pj)(result.message)}`);
        return result;
    });
}
/** Prints the events as they come and gives the result. */
async function show(events, job) {
    const stages = [];
    let heartbeat;
    try {
        for await (const event of events) {
            if (event.type === 'note')
                _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .log */ .Rm.foreign(event.message);
            if (event.type === 'step') {
                _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .log */ .Rm.foreign(`${event.step}: ${event.message}`);
                stages.push({ step: event.step, at: Date.parse(event.at) });
                heartbeat?.stop();
                heartbeat = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .startHeartbeat */ .tI)(event.step);
            }
            if (event.type === 'progress')
                heartbeat?.tell(event.message);
            if (event.type !== 'result')
                continue;
            _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .log */ .Rm.foreign(`${event.result.outcome}: ${event.result.message}`);
            const durations = stages.map(({ step, at }, index) => {
                const end = stages[index + 1]?.at ?? Date.parse(event.at);
                return `${(0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .plain */ .pj)(step)} ${(0,_lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .formatDuration */ .a3)(end - at)}`;
            });
            if (durations.length > 0)
                job.report.rows.push(['stages', durations.join(' · ')]);
            return event.result;
        }
    }
    finally {
        heartbeat?.stop();
    }
    throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .Failure */ .HR('unknown', 'the server sent no result');
}
/** The same for every attempt of a workflow run, so that a re-run finds what it began; short enough for a journal's name. */
function transactionPrefix(kind, { environment, release }, context = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .jobContext */ .Rl)()) {
    const parts = JSON.stringify([context.repository, context.runId, kind, environment, release]);
    return `${kind}-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(parts).digest('hex').slice(0, 12)}-`;
}
/** Outcomes that are not what was asked for. */
const RED = ['refused', 'rolled-back', 'failed', 'locked', 'bad-input'];
function reportResult(id, result, job) {
    job.report.message = result.message;
    job.report.rows.push(['serving', result.serving ?? 'nothing'], ['before', result.previous ?? 'nothing']);
    (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .writeOutputs */ .Kn)({
        outcome: result.outcome,
        direction: result.direction ?? null,
        serving: result.serving,
        previous: result.previous,
        transaction: id,
    });
}
async function untilAborted(work, signal) {
    const stop = new AbortController();
    const aborted = new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop.signal });
    });
    try {
        return await Promise.race([work, aborted]);
    }
    finally {
        stop.abort();
    }
}


/***/ })

};
