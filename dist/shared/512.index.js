export const id = 512;
export const ids = [512];
export const modules = {

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


/***/ }),

/***/ 2512:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main),
  post: () => (/* binding */ post)
});

// EXTERNAL MODULE: ./js/agent/client.js + 2 modules
var client = __webpack_require__(72);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/runner/index.js + 12 modules
var runner = __webpack_require__(5149);
// EXTERNAL MODULE: ./js/actions/server.js
var server = __webpack_require__(1031);
;// CONCATENATED MODULE: ./js/actions/standing-issue.js


/** The input of every action that keeps a GitHub issue of what it finds. */
const issueInputs = { 'issue-token': (0,runner/* secret */.rJ)((0,runner/* optional */.lq)(runner/* required */.mw)) };
/**
 * Keeps the issue of a condition, if a token came for it. An issue that cannot be kept is a warning: what the action is about
 * has its own outcome.
 */
async function keepIssueIfAsked(issue, token, job) {
    if (job.signal.aborted)
        return;
    if (token === undefined) {
        runner/* log */.Rm.info('no GitHub issue is kept of this: the input issue-token is not set');
        return;
    }
    const { repository, api } = (0,runner/* jobContext */.Rl)();
    try {
        const { did, url } = await (0,runner/* keepIssue */.px)(issue, { token, repository, api, signal: job.signal });
        const shown = url === null ? 'none is open' : `${did}: ${url}`;
        runner/* log */.Rm.info(`GitHub issue: ${shown}`);
        job.report.rows.push(['issue', shown]);
    }
    catch (thrown) {
        if (!(thrown instanceof lib/* Failure */.HR))
            throw thrown;
        runner/* log */.Rm.warning(`the GitHub issue could not be kept: ${thrown.message}`);
        job.report.rows.push(['issue', `could not be kept: ${thrown.message}`]);
    }
}

// EXTERNAL MODULE: ./js/actions/transaction.js
var transaction = __webpack_require__(326);
// EXTERNAL MODULE: ./js/actions/transaction-inputs.js
var transaction_inputs = __webpack_require__(1766);
;// CONCATENATED MODULE: ./js/actions/verification-report.js

/** The rows of the summary, one per level: readable in ten seconds. */
function levelRows({ levels }) {
    return levels.map(({ level, proves, outcome, checked, findings, found, seconds }) => {
        const went = { passed: '✅', failed: '❌', skipped: '⏭️' }[outcome];
        const what = outcome === 'passed'
            ? `${checked} compared`
            : `${findings[0] ?? 'no finding'}${found > 1 ? ` (and ${found - 1} more)` : ''}`;
        return [`${level} ${proves}`, `${went} ${what}, ${(0,lib/* formatDuration */.a3)(seconds * 1000)}`];
    });
}
/** Outcomes after which nobody knows whether the backup restores; who asked wrongly or while another one runs learns it at once. */
const UNPROVED = ['unhealthy', 'refused', 'failed', 'error', 'unreachable', 'unknown'];
/**
 * The issues that this run settles. A newest backup has one for good; a named or random one has one of its own, since the next
 * run may look at another. `kind` is null for a green run.
 */
function issuesOf(asked, verification, kind, run) {
    const { environment, backup, repository } = asked;
    const issue = (subject, rest) => ({
        marker: `verify-backup ${environment} ${repository} ${subject}`,
        title: `No proof of restore: ${environment}, ${named(subject)} of the ${repository} repository`,
        ...rest,
    });
    const own = backup === 'random' ? (verification?.backup ?? backup) : backup;
    if (kind === null) {
        const line = `Proved: backup \`${verification?.backup}\` restores ([run](${run})).`;
        const subjects = [...new Set([own, backup])];
        return subjects.map((subject) => issue(subject, { state: 'closed', body: '', line }));
    }
    if (!UNPROVED.includes(kind))
        return [];
    const line = `Still no proof: ${kind} ([run](${run})).`;
    return [issue(own, { state: 'open', body: body(asked, verification, kind, run), line })];
}
function named(subject) {
    if (subject === 'newest')
        return 'the newest backup';
    return subject === 'random' ? 'a random backup' : `backup ${subject}`;
}
function body({ environment, repository }, found, kind, run) {
    return [
        ...(found === undefined
            ? [`**A backup of \`${environment}\` could not be verified (${kind}).** Nobody knows whether it restores.`]
            : [
                `**Backup \`${found.backup}\` of \`${environment}\` does not prove its restore.** Do not count on it.`,
                '',
                ...table(found.levels),
            ]),
        '',
        `Repository: ${repository}. [This run](${run}) says more.`,
        '',
        'On the server `pacs-agent logs` shows what was found; `pacs-agent backup` takes a new backup, `pacs-agent verify` proves it.',
        '',
        'The action verify-backup keeps this issue up to date and closes it when the proof is there again.',
    ].join('\n');
}
/** Counts and names of collections and services only: a finding may quote what a document or a check says. */
function table(levels) {
    const rows = levels.map(({ level, proves, outcome, checked, lost, found, findings }) => {
        const wrong = outcome === 'failed' ? found : 0;
        return `| ${level} | ${proves} | ${outcome} | ${checked} | ${lost} | ${wrong} | ${places(level, findings)} |`;
    });
    return ['| level | proves | result | compared | lost | findings | where |', '|---|---|---|---|---|---|---|', ...rows];
}
/** The collections and services that findings of L2 to L4 begin with. */
function places(level, findings) {
    if (!['L2', 'L3', 'L4'].includes(level))
        return '';
    const names = findings.flatMap((line) => /^([\w.-]{1,100}): /.exec(line)?.[1] ?? []);
    return [...new Set(names)].map((name) => `\`${name}\``).join(', ');
}

;// CONCATENATED MODULE: ./js/actions/verify-backup.js








const TEN_YEARS_MS = 10 * 365 * 24 * 3_600_000;
function main() {
    return (0,runner/* runAction */.Cs)('Verify a backup', async (job) => {
        const inputs = (0,runner/* readInputs */.Ko)({
            ...server/* serverInputs */.R7,
            backup: (0,runner/* matching */.wC)(client/* verifiableSchema */.Bh),
            repository: (0,runner/* oneOf */.yL)('first', 'second'),
            through: (0,runner/* matching */.wC)(client/* throughSchema */.Zk),
            'max-age': (0,runner/* optional */.lq)((0,runner/* duration */.p0)(TEN_YEARS_MS)),
            ...issueInputs,
        });
        const { environment, backup, repository, through, 'max-age': maxAge, 'issue-token': token } = inputs;
        job.report.subject = `Verify the ${backup} backup of ${environment}`;
        const request = {
            ...{ kind: 'verify', backup, repository, through, ...(0,transaction_inputs/* requester */.l2)() },
            ...(maxAge === undefined ? {} : { maxAge }),
        };
        const purpose = { environment, release: (0,runner/* jobContext */.Rl)().runId };
        let found;
        try {
            await (0,server/* withServer */.eH)(inputs, job, async ({ agent }) => {
                await (0,transaction/* carryOut */.u)(request, null, purpose, agent, job, undefined, ({ verification }) => {
                    found = verification;
                    if (found)
                        report(found, environment, job);
                });
            });
        }
        catch (thrown) {
            await settle(inputs, found, thrown instanceof lib/* Failure */.HR ? thrown.kind : 'error', token, job);
            throw thrown;
        }
        // A look at fewer levels is no proof: it opens an issue, but closes none.
        if (through === 'L6')
            await settle(inputs, found, null, token, job);
    });
}
const post = server/* cleanUp */.nY;
/** Summary, outputs and the file for later steps. */
function report(found, environment, job) {
    job.report.rows.unshift(...levelRows(found));
    const { backup, outcome, lost } = found;
    (0,runner/* writeOutputs */.Kn)({
        backup,
        proved: outcome === 'passed',
        lost: lost ?? null,
        report: (0,runner/* writeJsonFile */.An)(`verification-${environment}.json`, found),
    });
}
async function settle(asked, found, kind, token, job) {
    for (const issue of issuesOf(asked, found, kind, (0,runner/* jobContext */.Rl)().run))
        await keepIssueIfAsked(issue, token, job);
}


/***/ })

};
