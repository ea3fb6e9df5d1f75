export const id = 652;
export const ids = [652];
export const modules = {

/***/ 4652:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   main: () => (/* binding */ main),
/* harmony export */   post: () => (/* binding */ post)
/* harmony export */ });
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7736);
/* harmony import */ var _release_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8880);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(5149);
/* harmony import */ var _server_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(1031);
/* harmony import */ var _transaction_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(326);
/* harmony import */ var _transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(1766);






/** A release by its id or by its image; empty is the previous one. */
const target = (name, value) => {
    if (value === '')
        return undefined;
    if (value.includes('@'))
        return { reference: (0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .releaseReference */ .H)(name, value) };
    const id = _release_index_js__WEBPACK_IMPORTED_MODULE_1__/* .releaseIdSchema */ .yU.safeParse(value);
    if (id.success)
        return { id: id.data };
    throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_0__/* .badInput */ .AN)(`${name}: ${JSON.stringify(value.slice(0, 120))} is neither a release id (20261124t101500z-abc1234def01) nor an image by digest`);
};
const reason = (name, value) => {
    if ((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .required */ .mw)(name, value).length > 500)
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_0__/* .badInput */ .AN)(`${name} is longer than 500 characters`);
    return value;
};
function main() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .runAction */ .Cs)('Roll back', async (job) => {
        const inputs = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .readInputs */ .Ko)({
            ..._server_js__WEBPACK_IMPORTED_MODULE_3__/* .serverInputs */ .R7,
            release: target,
            reason,
            config: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .oneOf */ .yL)('its-own', 'current'),
            ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .watchInputs */ .LR,
            ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .registryInputs */ .P4,
        });
        const { environment, config, watch, hold, 'keep-warm': keepWarm } = inputs;
        job.report.subject = `Roll back ${environment}`;
        job.report.rows.push(['reason', inputs.reason]);
        await (0,_server_js__WEBPACK_IMPORTED_MODULE_3__/* .withServer */ .eH)(inputs, job, async ({ agent }) => {
            const { to, image } = await findTarget(agent, inputs.release);
            const request = {
                kind: 'rollback',
                ...(to === undefined ? {} : { to }),
                ...{ config, reason: inputs.reason, watch, hold, keepWarm },
                ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .requester */ .l2)(),
                ...(image ? (0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .registryLogin */ .j8)(inputs, image) : {}),
            };
            await (0,_transaction_js__WEBPACK_IMPORTED_MODULE_4__/* .carryOut */ .u)(request, null, { environment, release: to ?? 'previous' }, agent, job);
        });
    });
}
const post = _server_js__WEBPACK_IMPORTED_MODULE_3__/* .cleanUp */ .nY;
/** The id of the wanted release, and an image of the registry that it comes from. */
async function findTarget(agent, wanted) {
    const { releases } = await agent.releases();
    const images = releases.map(({ reference }) => (0,_release_index_js__WEBPACK_IMPORTED_MODULE_1__/* .parsePinned */ .A4)('the reference of a release on the server', reference));
    const [anyImage] = images;
    const common = anyImage ? { image: anyImage } : {};
    if (wanted === undefined)
        return common;
    if ('id' in wanted)
        return { to: wanted.id, ...common };
    const found = releases.find(({ reference }) => reference === wanted.reference);
    if (found)
        return { to: found.id, image: (0,_release_index_js__WEBPACK_IMPORTED_MODULE_1__/* .parsePinned */ .A4)('release', found.reference) };
    const known = releases.map(({ id, state }) => `${id} (${state})`).join(', ') || 'none';
    throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_0__/* .refused */ .J5)(`this server never accepted ${wanted.reference}; it can go back to: ${known}`);
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


/***/ }),

/***/ 326:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   u: () => (/* binding */ carryOut)
/* harmony export */ });
/* unused harmony export transactionPrefix */
/* harmony import */ var node_crypto__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7598);
/* harmony import */ var _agent_client_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(72);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7736);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(5149);




/**
 * Has the agent carry out `request` and follows it to its result; where that is refused because the core comes first, has it carry
 * out `core` and asks again. What an earlier attempt of this workflow run began for the same purpose and still runs is followed
 * instead of asked for again.
 * @returns the result of `request`.
 * @throws Failure of the kind of the first red outcome; `unknown` when the job is cancelled or no result was seen.
 */
async function carryOut(request, core, purpose, agent, job, own, onResult) {
    let running = (await agent.status()).transaction?.id;
    const carry = async (asked, isLast) => {
        const prefix = transactionPrefix(asked.kind, purpose);
        const attached = running?.startsWith(prefix) ? running : undefined;
        running = undefined;
        return carryOutOne(attached ?? `${prefix}${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.randomBytes)(4).toString('hex')}`, asked, agent, job, {
            ask: !attached,
            isLast,
            own,
            onResult: asked === request ? onResult : undefined,
        });
    };
    if (core === null)
        return carry(request, true);
    const coreRuns = running?.startsWith(transactionPrefix(core.kind, purpose)) === true;
    if (!coreRuns) {
        const result = await carry(request, false);
        if (!result.coreFirst)
            return result;
    }
    await carry(core, false);
    return carry(request, true);
}
async function carryOutOne(id, request, agent, job, { ask, isLast, own, onResult, }) {
    job.signal.throwIfAborted();
    job.onCancel(() => `cancelled here, not on the server: ${request.kind} goes on there if it was accepted; on the server: ` +
        `pacs-agent follow ${id} shows it, pacs-agent abort ${id} undoes it`);
    return _runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .log */ .Rm.group(`${request.kind} (${id})`, async () => {
        if (ask)
            await untilAborted(agent.put(id, request), job.signal);
        else
            _runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .log */ .Rm.info('an earlier attempt of this run began this; it still runs and is followed');
        const events = agent.follow(id, { signal: job.signal });
        const result = await show(own ? withOwnPart(events, id, own, agent, job) : events, job);
        job.report.rows.push([request.kind, `${result.outcome} (${id})`]);
        if (result.coreFirst && !isLast)
            return result;
        onResult?.(result);
        const red = RED.find((kind) => kind === result.outcome);
        if (request.kind !== 'core' || red)
            reportResult(id, request.kind, result, job);
        if (red)
            throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .Failure */ .HR(red, `${red}: ${(0,_runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .plain */ .pj)(result.message)}`);
        return result;
    });
}
/** Does the requester's part when its step comes, and reports it; an end that comes first, like an abort, ends that part. */
async function* withOwnPart(events, id, own, agent, job) {
    const over = new AbortController();
    let work;
    const doIt = async () => {
        const work = own(await agent.database(id), AbortSignal.any([job.signal, over.signal]));
        const { report, bug } = await (0,_agent_client_js__WEBPACK_IMPORTED_MODULE_1__/* .reportOf */ .EI)(work);
        if (!over.signal.aborted)
            await agent.report(id, report);
        if (bug !== undefined)
            throw bug;
    };
    try {
        for await (const event of events) {
            if (event.type === 'step' && event.step === 'open')
                work ??= doIt();
            if (event.type === 'result')
                over.abort(new _lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .Failure */ .HR('failed', event.result.message));
            yield event;
        }
    }
    finally {
        over.abort(new _lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .Failure */ .HR('unknown', 'the server is not followed any more'));
        await work;
    }
}
/** Prints the events as they come and gives the result. */
async function show(events, job) {
    const stages = [];
    let heartbeat;
    try {
        for await (const event of events) {
            if (event.type === 'note')
                _runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .log */ .Rm.foreign(event.message);
            if (event.type === 'step') {
                _runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .log */ .Rm.foreign(`${event.step}: ${event.message}`);
                stages.push({ step: event.step, at: Date.parse(event.at) });
                heartbeat?.stop();
                heartbeat = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .startHeartbeat */ .tI)(event.step);
            }
            if (event.type === 'progress')
                heartbeat?.tell(event.message);
            if (event.type !== 'result')
                continue;
            _runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .log */ .Rm.foreign(`${event.result.outcome}: ${event.result.message}`);
            const durations = stages.map(({ step, at }, index) => {
                const end = stages[index + 1]?.at ?? Date.parse(event.at);
                return `${(0,_runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .plain */ .pj)(step)} ${(0,_lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .formatDuration */ .a3)(end - at)}`;
            });
            if (durations.length > 0)
                job.report.rows.push(['stages', durations.join(' · ')]);
            return event.result;
        }
    }
    finally {
        heartbeat?.stop();
    }
    throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .Failure */ .HR('unknown', 'the server sent no result');
}
/** The same for every attempt of a workflow run, so that a re-run finds what it began; short enough for a journal's name. */
function transactionPrefix(kind, { environment, release }, context = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .jobContext */ .Rl)()) {
    const parts = JSON.stringify([context.repository, context.runId, kind, environment, release]);
    return `${kind}-${(0,node_crypto__WEBPACK_IMPORTED_MODULE_0__.createHash)('sha256').update(parts).digest('hex').slice(0, 12)}-`;
}
/** Outcomes that are not what was asked for. */
const RED = ['refused', 'unhealthy', 'rolled-back', 'failed', 'locked', 'bad-input'];
/** What leaves the app alone. */
const BESIDE = ['backup', 'verify', 'restore'];
function reportResult(id, kind, result, job) {
    job.report.message = result.message;
    if (!BESIDE.includes(kind)) {
        job.report.rows.push(['serving', result.serving ?? 'nothing'], ['before', result.previous ?? 'nothing']);
    }
    (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_3__/* .writeOutputs */ .Kn)({
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
