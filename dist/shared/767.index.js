export const id = 767;
export const ids = [767];
export const modules = {

/***/ 2767:
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






const PHASES = _release_index_js__WEBPACK_IMPORTED_MODULE_1__/* .migrationPhaseSchema */ .JO.options;
const readers = {
    ..._server_js__WEBPACK_IMPORTED_MODULE_3__/* .serverInputs */ .R7,
    release: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .optional */ .lq)(_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .releaseReference */ .H),
    phase: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .oneOf */ .yL)(...PHASES, 'all'),
    plan: _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .flag */ .Jt,
    reason: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .required */ .mw),
    migrations: _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .path */ .Ae,
    'allow-core': _runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .flag */ .Jt,
    'no-backup': (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .optional */ .lq)(_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .required */ .mw),
    ..._transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .registryInputs */ .P4,
};
function main() {
    return (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .runAction */ .Cs)('Migrate', async (job) => {
        const inputs = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .readInputs */ .Ko)(readers, ({ plan, phase, ...given }) => {
            if (plan !== false)
                return [];
            return [
                ...('release' in given && given.release === undefined
                    ? ['input release is missing: only a plan needs none']
                    : []),
                ...(phase === 'all' ? [`input phase: "all" is for a plan; write ${PHASES.join(', ')}`] : []),
            ];
        });
        const { environment, phase, plan, migrations: folder, reason, 'no-backup': noBackup } = inputs;
        job.report.subject = `${plan ? 'Plan' : 'Migrate'} ${environment} (${phase})`;
        await (0,_server_js__WEBPACK_IMPORTED_MODULE_3__/* .withServer */ .eH)(inputs, job, async (server) => {
            const release = inputs.release ?? (await whatServes(server));
            job.report.rows.push(['release', inputs.release ?? `what serves: ${release}`]);
            const asked = { ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .requester */ .l2)(), ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .registryLogin */ .j8)(inputs, (0,_release_index_js__WEBPACK_IMPORTED_MODULE_1__/* .parsePinned */ .A4)('release', release)), release };
            const core = { kind: 'core', ...asked, allowCore: inputs['allow-core'] };
            const request = {
                ...{ ...core, kind: 'migrate', phase: phase === 'all' ? 'expand' : phase, plan },
                ...(reason === undefined ? {} : { reason }),
                ...(noBackup === undefined ? {} : { noBackup }),
            };
            if (plan) {
                const options = { folder, phases: phase === 'all' ? PHASES : [phase], mustMatch: inputs.release !== undefined };
                const purpose = { environment, release: `${release} plan ${phase}` };
                // A plan starts nothing: what is not there yet is said.
                await (0,_transaction_js__WEBPACK_IMPORTED_MODULE_4__/* .carryOut */ .u)(request, null, purpose, server.agent, job, async (database, signal) => (await engineFor(database)).planHere(database, server, job, { ...options, signal }));
                return;
            }
            const purpose = { environment, release: `${release} ${phase}` };
            const { pending } = await (0,_transaction_js__WEBPACK_IMPORTED_MODULE_4__/* .carryOut */ .u)(request, core, purpose, server.agent, job, async (database, signal) => (await engineFor(database)).runHere(database, server, { folder, phase: request.phase, signal }));
            if (pending === undefined)
                return;
            (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .writeOutputs */ .Kn)({ pending: pending[request.phase].join(','), 'pending-data': pending.data.join(',') });
        });
    });
}
const post = _server_js__WEBPACK_IMPORTED_MODULE_3__/* .cleanUp */ .nY;
/** Loaded only where it works here: data and contract run on the server. */
function engineFor({ password }) {
    (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_2__/* .mask */ .dK)(password);
    return Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 6230));
}
/** @throws Failure `refused` on a server where nothing serves yet. */
async function whatServes({ agent, environment }) {
    const { releases } = await agent.releases();
    const serving = releases.find(({ state }) => state === 'serving');
    if (serving === undefined) {
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_0__/* .refused */ .J5)(`nothing serves ${environment.name} yet: a plan needs what serves there, or the input release`);
    }
    return serving.reference;
}


/***/ }),

/***/ 6230:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   planHere: () => (/* binding */ planHere),
/* harmony export */   runHere: () => (/* binding */ runHere)
/* harmony export */ });
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(8161);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(4379);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(7736);
/* harmony import */ var _migrations_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(4859);
/* harmony import */ var _runner_index_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(5149);
/* harmony import */ var _transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__ = __webpack_require__(1766);
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
// What the action migrate does itself, through a tunnel to the database of the server, while the migration holds the lock there.






/** Applies the migrations of a phase from here. */
async function runHere(opened, server, { folder, phase, signal }) {
    const migrations = (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .ofRelease */ .NC)(await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .loadMigrations */ .Y$)(inCheckout(folder)), opened.migrations);
    return withDatabase(opened, server, async (database) => {
        const heartbeat = (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .startHeartbeat */ .tI)(`migrations (${phase})`);
        const onEvent = (event) => {
            if (event.kind === 'progress')
                heartbeat.tell((0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .eventText */ .cj)(event));
            else
                _runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .log */ .Rm.foreign((0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .eventText */ .cj)(event));
        };
        try {
            const options = { ...(0,_transaction_inputs_js__WEBPACK_IMPORTED_MODULE_5__/* .requester */ .l2)(), phase, host: (0,node_os__WEBPACK_IMPORTED_MODULE_0__.hostname)(), signal, onEvent };
            return { outcome: 'done', message: (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .appliedText */ .bJ)(await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .applyMigrations */ .KV)(database, migrations, options)) };
        }
        finally {
            heartbeat.stop();
        }
    });
}
/** Shows what would be applied and whom it would hurt: in the summary, at the lines of the files, and as SARIF. */
async function planHere(opened, server, job, { folder, phases, mustMatch, signal }) {
    const directory = inCheckout(folder);
    const all = await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .loadMigrations */ .Y$)(directory);
    const migrations = mustMatch ? (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .ofRelease */ .NC)(all, opened.migrations) : all;
    const released = mustMatch ? {} : { released: opened.migrations.map(({ id }) => id) };
    return withDatabase(opened, server, async (database) => {
        const reviewed = await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .review */ .NQ)(database, migrations, { phases, folder: directory, ...released, signal });
        const remarks = (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .remarksOf */ .ro)(reviewed);
        const place = (0,node_path__WEBPACK_IMPORTED_MODULE_1__.relative)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .jobContext */ .Rl)().workspace, directory);
        job.report.table = (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .planTable */ .k0)(reviewed);
        for (const row of job.report.table.rows)
            _runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .log */ .Rm.foreign(row.join(': '));
        for (const { file, text } of remarks)
            job.report.rows.push([file, text]);
        const found = remarks.map((one) => ({ ...one, file: `${place}/${one.file}` }));
        (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .annotate */ .fz)(found.map(({ id, text, ...where }) => ({ ...where, title: id, message: text })));
        const steps = reviewed.plans.flatMap((plan) => plan.steps);
        (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .writeOutputs */ .Kn)({
            pending: steps.map(({ id }) => id).join(','),
            'pending-data': steps.flatMap(({ id, phase }) => (phase === 'data' ? [id] : [])).join(','),
            sarif: (0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .writeJsonFile */ .An)('pacs-migrations.sarif', (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .sarifLog */ .ec)('pacs-deploy migrations', found)),
        });
        const { isGood, text } = (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .verdictOn */ .Hc)(reviewed);
        return { outcome: isGood ? 'done' : 'refused', message: text };
    });
}
function inCheckout(folder) {
    return (0,node_path__WEBPACK_IMPORTED_MODULE_1__.resolve)((0,_runner_index_js__WEBPACK_IMPORTED_MODULE_4__/* .jobContext */ .Rl)().workspace, folder);
}
async function withDatabase({ port, release: _release, migrations: _migrations, ...login }, server, work) {
    const tunnel = await server.tunnel(port);
    try {
        const env_1 = { stack: [], error: void 0, hasError: false };
        try {
            const database = __addDisposableResource(env_1, await (0,_migrations_index_js__WEBPACK_IMPORTED_MODULE_3__/* .openDatabase */ .qI)({ ...login, socket: tunnel.socket }), true);
            return await work(database);
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
    catch (thrown) {
        // The tunnel knows why nothing answered through it.
        if (thrown instanceof _lib_index_js__WEBPACK_IMPORTED_MODULE_2__/* .Failure */ .HR && thrown.kind === 'unreachable' && tunnel.failure)
            throw tunnel.failure;
        throw thrown;
    }
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
