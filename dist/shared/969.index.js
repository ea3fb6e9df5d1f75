export const id = 969;
export const ids = [969];
export const modules = {

/***/ 1539:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   l: () => (/* binding */ readArguments)
/* harmony export */ });
/* harmony import */ var node_util__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(7975);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(7736);


/**
 * Reads the arguments of `verb`.
 * @throws Failure `bad-input` for an unknown option, one without its value, or more positionals than `positionals`.
 */
function readArguments(verb, args, options, positionals = 0) {
    const parsed = parse(verb, args, options);
    const extra = parsed.positionals[positionals];
    if (extra !== undefined)
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .badInput */ .AN)(`${verb}: what is "${extra}"? (pacs-deploy --help)`);
    return parsed;
}
function parse(verb, args, options) {
    try {
        return (0,node_util__WEBPACK_IMPORTED_MODULE_0__.parseArgs)({ args: [...args], options, allowPositionals: true, strict: true });
    }
    catch (thrown) {
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .badInput */ .AN)(`${verb}: ${(0,_lib_index_js__WEBPACK_IMPORTED_MODULE_1__/* .messageOf */ .bD)(thrown)} (pacs-deploy --help)`);
    }
}


/***/ }),

/***/ 4372:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  doctorCommand: () => (/* binding */ doctorCommand)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ../../node_modules/zod/v4/classic/schemas.js + 11 modules
var schemas = __webpack_require__(3045);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/cli/arguments.js
var cli_arguments = __webpack_require__(1539);
;// CONCATENATED MODULE: ./js/cli/doctor/remark.js
/** Collects the remarks of one place. */
function remarksOf(place) {
    const remarks = [];
    return { remarks, note: (state, what, todo = '') => void remarks.push({ place, state, what, todo }) };
}

;// CONCATENATED MODULE: ./js/cli/doctor/github.js



/** Milliseconds for one request. */
const PATIENCE = 15_000;
const variablesSchema = schemas/* object */.Ikc({ variables: schemas/* array */.YOg(schemas/* object */.Ikc({ name: schemas/* string */.YjP(), value: schemas/* string */.YjP() })) });
const secretsSchema = schemas/* object */.Ikc({ secrets: schemas/* array */.YOg(schemas/* object */.Ikc({ name: schemas/* string */.YjP() })) });
const environmentsSchema = schemas/* object */.Ikc({
    environments: schemas/* array */.YOg(schemas/* object */.Ikc({ name: schemas/* string */.YjP(), protection_rules: schemas/* array */.YOg(schemas/* object */.Ikc({ type: schemas/* string */.YjP() })).default([]) })),
});
/** A refusal of GitHub, told from an answer. */
class NoAnswer extends Error {
}
/** Looks at what GitHub has for the workflows: variables, environments and the names of their secrets (never a value). */
async function examineGitHub(access, environments) {
    const { remarks, note } = remarksOf('GitHub');
    const { token, repository } = access;
    if (repository === undefined) {
        note('unknown', 'which repository this is', 'git remote add origin …, or --repository OWNER/NAME');
    }
    else if (token === undefined) {
        note('unknown', `what ${repository} has on GitHub: there is no GITHUB_TOKEN`, TOKEN);
    }
    else {
        await examine(`repos/${repository}`, new GitHub(access.api, token), environments, note);
    }
    return remarks;
}
const TOKEN = 'GITHUB_TOKEN with read access to environments, secrets and variables of this repository';
async function examine(path, github, environments, note) {
    await look(note, 'its variables', async () => {
        const { variables } = await github.get(`${path}/actions/variables?per_page=100`, variablesSchema);
        const images = variables.find(({ name }) => name === 'IMAGES');
        if (images === undefined)
            note('missing', 'the variable IMAGES', 'where images go, like ghcr.io/org/pacs');
        else if (!/^[a-z0-9.:-]+\/[a-z0-9._/-]+$/.test(images.value)) {
            note('missing', `the variable IMAGES is "${images.value}"`, 'a registry and a path in lower case, without tag');
        }
        else
            note('ok', `IMAGES is ${images.value}`);
    });
    await look(note, 'its environments', async () => {
        const found = await github.get(`${path}/environments?per_page=100`, environmentsSchema);
        for (const name of environments) {
            const environment = found.environments.find((one) => one.name === name);
            if (environment === undefined) {
                note('missing', `the environment ${name}`, 'Settings, Environments: with its secret SSH_KEY');
                continue;
            }
            await examineSecrets(path, name, github, note);
            const isReviewed = environment.protection_rules.some(({ type }) => type === 'required_reviewers');
            if (name.startsWith('prod') && !isReviewed) {
                note('warning', `${name} is deployed to without anybody's approval`, 'give it required reviewers');
            }
        }
        const production = environments.filter((name) => name === 'production');
        for (const proof of production.map((name) => `${name}-proof`)) {
            if (found.environments.some(({ name }) => name === proof))
                await examineSecrets(path, proof, github, note);
            else
                note('warning', `the environment ${proof}, by which verify-backup.yml runs at night`, 'make it, without reviewers');
        }
    });
}
async function examineSecrets(path, environment, github, note) {
    await look(note, `the secrets of ${environment}`, async () => {
        const url = `${path}/environments/${encodeURIComponent(environment)}/secrets?per_page=100`;
        const { secrets } = await github.get(url, secretsSchema);
        if (secrets.some(({ name }) => name === 'SSH_KEY'))
            note('ok', `${environment} has the secret SSH_KEY`);
        else
            note('missing', `the secret SSH_KEY of ${environment}`, 'the private half of a key that setup let in by --key');
    });
}
async function look(note, what, work) {
    try {
        await work();
    }
    catch (thrown) {
        if (!(thrown instanceof NoAnswer))
            throw thrown;
        note('unknown', `${what}: ${thrown.message}`, TOKEN);
    }
}
class GitHub {
    #api;
    #token;
    constructor(api, token) {
        this.#api = api.replace(/\/$/, '');
        this.#token = token;
    }
    async get(path, schema) {
        const headers = {
            accept: 'application/vnd.github+json',
            authorization: `Bearer ${this.#token}`,
            'x-github-api-version': '2022-11-28',
        };
        let response;
        try {
            response = await fetch(`${this.#api}/${path}`, {
                headers,
                signal: AbortSignal.timeout(PATIENCE),
                redirect: 'error',
            });
        }
        catch (thrown) {
            throw new NoAnswer(`GitHub does not answer (${(0,lib/* messageOf */.bD)(thrown)})`);
        }
        if (response.status === 401)
            throw new NoAnswer('GitHub does not know this token (401)');
        if (!response.ok)
            throw new NoAnswer(`GitHub does not show them to this token (${response.status})`);
        const parsed = schema.safeParse(await response.json().catch(() => undefined));
        if (!parsed.success)
            throw new NoAnswer('what answers is not GitHub');
        return parsed.data;
    }
}

// EXTERNAL MODULE: ./js/migrations/index.js + 52 modules
var migrations = __webpack_require__(4859);
// EXTERNAL MODULE: ./js/ssh/index.js + 8 modules
var ssh = __webpack_require__(490);
// EXTERNAL MODULE: ./js/stack/index.js + 26 modules
var js_stack = __webpack_require__(6094);
// EXTERNAL MODULE: ./js/cli/init.js + 1 modules
var init = __webpack_require__(555);
;// CONCATENATED MODULE: ./js/cli/doctor/repository.js








const STACK = 'deployment/production';
const COMPOSE = 'docker-compose.prod.yml';
const ENVIRONMENTS = 'deployment/environments.yml';
/** Without these nothing is deployed; the others are a team's choice. */
const NEEDED_WORKFLOWS = ['release.yml', 'deploy-environment.yml', 'rollback.yml'];
const SECRET_FILES = /(^|\/)(\.env(?!\.example$)(\.[^/]*)?|secrets\/.+|[^/]+\.(key|pem|p12|pfx))$/;
/** Looks at the checkout in `directory`, without network. @param root of this package */
async function examineRepository(directory, root, path) {
    const { remarks, note } = remarksOf('repository');
    const files = await (0,init.filesToCopy)(root, false);
    await examineFiles(directory, root, files, note);
    await examineStack(directory, note);
    await examineMigrations(directory, note);
    await repository_examineSecrets(directory, path, note);
    return { remarks, environments: await examineEnvironments(directory, note) };
}
async function examineFiles(directory, root, files, note) {
    let differing = 0;
    for (const file of files) {
        const { to } = file;
        const shipped = await (0,init.shippedText)(root, file);
        const present = await (0,promises_.readFile)((0,external_node_path_.join)(directory, to), 'utf8').catch(() => null);
        if (present !== null) {
            if (to !== ENVIRONMENTS && present !== shipped)
                differing++;
            continue;
        }
        const workflow = /^\.github\/workflows\/(.+)$/.exec(to)?.[1];
        const isNeeded = workflow === undefined ? to === ENVIRONMENTS || to === `${STACK}/${COMPOSE}` : NEEDED_WORKFLOWS.includes(workflow);
        if (isNeeded)
            note('missing', `there is no ${to}`, 'pacs-deploy init');
        else if (workflow !== undefined)
            note('warning', `there is no ${to}`, 'pacs-deploy init, or do without it');
    }
    if (differing > 0)
        note('ok', `${differing} files differ from this version of pacs-deploy (init --diff shows how)`);
}
async function examineStack(directory, note) {
    try {
        const stack = await (0,js_stack/* loadStack */.fg)({ directory: (0,external_node_path_.join)(directory, STACK), file: COMPOSE });
        const { blockers } = (0,js_stack/* gateStack */.aX)(stack);
        const findings = [...(0,js_stack/* checkStack */.hM)(stack), ...blockers];
        for (const { file, line, message, rule } of findings) {
            note('missing', `${STACK}/${file}:${line}: ${message} [${rule}]`, 'mend it, then: pacs-deploy stack check');
        }
        if (findings.length === 0)
            note('ok', `${COMPOSE}: ${stack.services.size} services, nothing to mend`);
    }
    catch (thrown) {
        // Without Docker on this machine nobody can say.
        const state = thrown instanceof lib/* Failure */.HR && thrown.kind === 'error' ? 'unknown' : 'missing';
        note(state, `${STACK}/${COMPOSE}: ${(0,lib/* messageOf */.bD)(thrown)}`, 'pacs-deploy stack check');
    }
}
async function examineMigrations(directory, note) {
    try {
        const findings = await (0,migrations/* lintMigrations */.JW)((0,external_node_path_.join)(directory, STACK, 'migrations'));
        const errors = findings.filter(({ level }) => level === 'error');
        for (const { message } of errors)
            note('missing', `migrations: ${message}`, 'pacs-deploy migrations lint');
        if (errors.length === 0)
            note('ok', 'migrations are locked and lint lets them pass');
    }
    catch (thrown) {
        note('missing', `migrations cannot be read: ${(0,lib/* messageOf */.bD)(thrown)}`, 'pacs-deploy migrations lint');
    }
}
/** Secrets in the history of a repository are secrets of everybody who ever read it. */
async function repository_examineSecrets(directory, path, note) {
    const { code, stdout } = await (0,lib/* tryRun */.JR)('git', ['ls-files', '-z'], { cwd: directory, env: { PATH: path } });
    if (code !== 0)
        return note('missing', `${directory} is no git repository`, 'git init, or go to the top of yours');
    const found = stdout.split('\0').filter((file) => SECRET_FILES.test(file));
    for (const file of found) {
        note('missing', `${file} is committed, and its name is that of a secret`, 'git rm --cached it, then change the secret');
    }
    if (found.length === 0)
        note('ok', 'no .env, key or secret is committed');
}
async function examineEnvironments(directory, note) {
    const text = await (0,promises_.readFile)((0,external_node_path_.join)(directory, ENVIRONMENTS), 'utf8').catch(() => undefined);
    if (text === undefined)
        return [];
    try {
        const environments = (0,ssh/* parseEnvironments */.ml)(ENVIRONMENTS, text);
        const examples = environments.filter(({ target, publicUrl }) => {
            const hosts = [target.host, target.jump?.host ?? '', new URL(publicUrl).hostname];
            const keys = [...target['host-keys'], ...(target.jump?.['host-keys'] ?? [])];
            return (hosts.some((host) => /(^|\.)example\.(org|com|net)$/.test(host)) || keys.some((key) => key.includes('EXAMPLE')));
        });
        for (const { name } of examples) {
            note('missing', `${ENVIRONMENTS}: ${name} is still the example`, 'its host, its host key and its public URL');
        }
        const real = environments.filter((environment) => !examples.includes(environment));
        if (real.length > 0)
            note('ok', `${ENVIRONMENTS} names ${real.map(({ name }) => name).join(', ')}`);
        return real;
    }
    catch (thrown) {
        for (const line of (0,lib/* messageOf */.bD)(thrown).split('\n'))
            note('missing', line, 'mend it');
        return [];
    }
}

// EXTERNAL MODULE: external "node:os"
var external_node_os_ = __webpack_require__(8161);
// EXTERNAL MODULE: ./js/agent/client.js + 2 modules
var client = __webpack_require__(72);
;// CONCATENATED MODULE: ./js/cli/doctor/server.js
// The one file of the command that speaks with a server's agent.







/** Milliseconds for ssh-keyscan. */
const SCAN_LIMIT = 15_000;
/** Looks at the server of an environment: host key, agent, what serves, and what the agent thinks of all its parts. */
async function examineServer(environment, options) {
    const { remarks, note } = remarksOf(`server ${environment.name}`);
    await examineHostKey(environment, options, note);
    if (options.key === undefined) {
        note('unknown', 'what its agent says: there is no key', '--ssh-key FILE: one that setup let in by --key');
    }
    else {
        await examineAgent(environment, options.key, options, note);
    }
    return remarks;
}
async function examineHostKey({ target }, { env }, note) {
    if (target.jump)
        return note('unknown', 'its host key: it stands behind a jump host', '--ssh-key FILE asks through it');
    const args = ['-T', '8', '-p', String(target.port), '--', target.host];
    const { stdout } = await (0,lib/* tryRun */.JR)('ssh-keyscan', args, { env, timeout: SCAN_LIMIT }).catch(() => ({ stdout: '' }));
    const shown = stdout.split('\n').flatMap((line) => {
        const [, type, body] = line.startsWith('#') ? [] : line.trim().split(' ');
        return type && body ? [`${type} ${body}`] : [];
    });
    if (shown.length === 0) {
        return note('missing', `${target.host}:${target.port} does not answer by SSH`, 'is it on, is port and firewall right?');
    }
    if (shown.some((key) => target['host-keys'].includes(key)))
        return note('ok', `${target.host} shows a pinned host key`);
    note('missing', `${target.host} shows none of the pinned host keys`, 'read its key at its console: someone may stand between');
}
async function examineAgent(environment, key, options, note) {
    const folder = await (0,promises_.mkdtemp)((0,external_node_path_.join)((0,external_node_os_.tmpdir)(), 'pacs-doctor-'));
    const directory = (0,external_node_path_.join)(folder, 'ssh');
    const { env } = options;
    try {
        const connection = await (0,ssh/* openConnection */.JY)({ target: environment.target, key, directory, env });
        const agent = (0,client/* openAgent */.QY)(() => connection.duplex());
        try {
            const { agent: own, serving, last } = await agent.status();
            if (own.version === options.version)
                note('ok', `agent ${own.version}, engine ${own.engine}`);
            else
                note('warning', `its agent is ${own.version}, this is ${options.version}`, 'the next release brings its own');
            if (serving === null)
                note('ok', 'nothing serves yet: the first deploy may come');
            else
                await examineHealth(() => agent.health(), serving.release, note);
            if (last?.result.outcome === 'failed')
                note('missing', `${last.transaction} failed: ${last.result.message}`, 'DEPLOYMENT_GUIDE.md');
        }
        finally {
            agent.close();
            await connection.close();
        }
    }
    catch (thrown) {
        if (!(thrown instanceof lib/* Failure */.HR))
            throw thrown;
        note('missing', `its agent cannot be asked: ${(0,lib/* messageOf */.bD)(thrown)}`, `pacs-deploy setup root@${environment.target.host}`);
    }
    finally {
        await (0,ssh/* closeConnection */.Bn)(directory, env);
        await (0,promises_.rm)(folder, { recursive: true, force: true });
    }
}
async function examineHealth(ask, release, note) {
    const { checks } = await ask();
    const bad = checks.filter(({ ok }) => !ok);
    for (const { name, detail, critical } of bad) {
        note(critical ? 'missing' : 'warning', `${name}: ${detail}`, 'pacs-agent health, docker logs');
    }
    if (bad.length === 0)
        note('ok', `${release} serves, ${checks.length} checks are good`);
}

;// CONCATENATED MODULE: ./js/cli/doctor/doctor.js








/** `doctor`: all that is missing at once, in the repository, on GitHub, and on each server. Changes nothing. */
async function doctorCommand(args, { print, root, env }) {
    const { values } = (0,cli_arguments/* readArguments */.l)('doctor', args, {
        directory: { type: 'string', default: '.' },
        environment: { type: 'string' },
        'ssh-key': { type: 'string' },
        repository: { type: 'string' },
        offline: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
    });
    const directory = (0,external_node_path_.resolve)(values.directory);
    const path = env.PATH ?? '';
    const key = values['ssh-key'] === undefined ? undefined : await readKey(values['ssh-key']);
    const { remarks, environments } = await examineRepository(directory, root, path);
    const wanted = environments.filter(({ name }) => values.environment === undefined || name === values.environment);
    if (values.environment !== undefined && wanted.length === 0) {
        throw (0,lib/* badInput */.AN)(`doctor: deployment/environments.yml has no environment "${values.environment}"`);
    }
    if (!values.offline) {
        const repository = values.repository ?? (await originOf(directory, path));
        const api = env.GITHUB_API_URL ?? 'https://api.github.com';
        const version = await versionOf(root);
        const others = await Promise.all([
            examineGitHub({ api, token: env.GITHUB_TOKEN, repository }, environments.map(({ name }) => name)),
            ...wanted.map((environment) => examineServer(environment, { key, version, env: { PATH: path, HOME: env.HOME ?? '/' } })),
        ]);
        remarks.push(...others.flat());
    }
    if (values.json)
        print(JSON.stringify({ remarks }));
    else
        for (const line of asTable(remarks))
            print(line);
    return remarks.some(({ state }) => state === 'missing') ? lib/* exitClass */.rI.refused : lib/* exitClass */.rI.ok;
}
function asTable(remarks) {
    const width = Math.max(...remarks.map(({ place }) => place.length));
    const lines = remarks.map(({ place, state, what, todo }) => {
        return `${state.padEnd(7)}  ${place.padEnd(width)}  ${what}${todo === '' ? '' : `: ${todo}`}`;
    });
    const count = (state) => remarks.filter((remark) => remark.state === state).length;
    const summary = `${count('missing')} missing, ${count('warning')} to consider, ${count('unknown')} not looked at, ${count('ok')} well`;
    return [...lines, summary];
}
async function readKey(file) {
    const text = await (0,promises_.readFile)(file, 'utf8').catch(() => undefined);
    if (text === undefined)
        throw (0,lib/* badInput */.AN)(`doctor: --ssh-key: ${file} cannot be read`);
    return text;
}
/** `owner/name` of the remote `origin`. */
async function originOf(directory, path) {
    const { stdout } = await (0,lib/* tryRun */.JR)('git', ['remote', 'get-url', 'origin'], { cwd: directory, env: { PATH: path } });
    return /[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?$/.exec(stdout.trim())?.[1];
}
async function versionOf(root) {
    const text = await (0,promises_.readFile)((0,external_node_path_.join)(root, 'package.json'), 'utf8');
    return schemas/* object */.Ikc({ version: schemas/* string */.YjP() }).parse(JSON.parse(text)).version;
}


/***/ }),

/***/ 555:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  filesToCopy: () => (/* binding */ filesToCopy),
  initCommand: () => (/* binding */ initCommand),
  shippedText: () => (/* binding */ shippedText)
});

// EXTERNAL MODULE: external "node:fs/promises"
var promises_ = __webpack_require__(1455);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/release/index.js + 8 modules
var release = __webpack_require__(8880);
// EXTERNAL MODULE: ./js/cli/arguments.js
var cli_arguments = __webpack_require__(1539);
;// CONCATENATED MODULE: ./js/cli/line-diff.js
/** Lines in common around a change that are shown too. */
const CONTEXT = 2;
/** Texts of which one has more lines are only said to differ: the table of a comparison grows with their product. */
const MOST = 3000;
/** How `after` comes out of `before`, line by line as `diff -u` shows it, with `@@ LINE` before each place. */
function lineDiff(before, after) {
    const [one, two] = [before.split('\n'), after.split('\n')];
    if (Math.max(one.length, two.length) > MOST)
        return [`(${one.length} lines and ${two.length} lines: too many to show)`];
    const edits = editsOf(one, two);
    const shown = new Set();
    for (const [index, { sign }] of edits.entries()) {
        if (sign === ' ')
            continue;
        for (let near = index - CONTEXT; near <= index + CONTEXT; near++)
            shown.add(near);
    }
    const lines = [];
    let line = 0;
    let last = -2;
    for (const [index, { sign, text }] of edits.entries()) {
        if (sign !== '+')
            line += 1;
        if (!shown.has(index))
            continue;
        if (index !== last + 1)
            lines.push(`@@ ${line}`);
        lines.push(`${sign}${text}`);
        last = index;
    }
    return lines;
}
/** The shortest way from `one` to `two`, by the longest common subsequence. */
function editsOf(one, two) {
    const width = two.length + 1;
    const common = new Uint16Array((one.length + 1) * width);
    const at = (i, j) => common[i * width + j] ?? 0;
    for (let i = one.length - 1; i >= 0; i--) {
        for (let j = two.length - 1; j >= 0; j--) {
            common[i * width + j] = one[i] === two[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
        }
    }
    const edits = [];
    let [i, j] = [0, 0];
    while (i < one.length || j < two.length) {
        const [left, right] = [one[i], two[j]];
        if (left !== undefined && left === right) {
            edits.push({ sign: ' ', text: left });
            i++;
            j++;
        }
        else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
            edits.push({ sign: '-', text: left });
            i++;
        }
        else {
            edits.push({ sign: '+', text: right ?? '' });
            j++;
        }
    }
    return edits;
}

;// CONCATENATED MODULE: ./js/cli/init.js






const STACK = 'deployment/production';
const APP = 'deployment/reference-app';
const ENVIRONMENTS = 'deployment/environments.yml';
const EXAMPLES = 'workflows-examples';
const WORKFLOWS = '.github/workflows';
/** What a repository needs and npm leaves out of every package. */
const NPMRC = 'omit-lockfile-registry-resolved=true\nsave-exact=true\nfund=false\naudit=false\n';
const LEFT_OUT_BY_NPM = {
    [`${STACK}/.gitignore`]: '.env\nsecrets/\ncerts/\n',
    [`${APP}/client/.gitignore`]: 'dist/\n',
    [`${APP}/client/.npmrc`]: NPMRC,
    [`${APP}/server/.npmrc`]: NPMRC,
};
/**
 * `init`: copies the stack, the workflows and an environments file into the repository, and never over what differs; with
 * `--diff` says what differs and copies nothing.
 */
async function initCommand(args, { print, root }) {
    const { values } = (0,cli_arguments/* readArguments */.l)('init', args, {
        directory: { type: 'string', default: '.' },
        diff: { type: 'boolean', default: false },
        'reference-app': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
    });
    const target = values.directory;
    if (!(await isDirectory((0,external_node_path_.join)(target, '.git')))) {
        throw (0,lib/* badInput */.AN)(`init: ${target} is no top of a git repository: go there, or name it with --directory`);
    }
    const files = await filesToCopy(root, values['reference-app'] || (await isDirectory((0,external_node_path_.join)(target, APP))));
    const compared = await Promise.all(files.map((file) => compare(root, target, file)));
    const missing = compared.filter(({ present }) => present === null);
    const differing = compared.filter(({ present, shipped }) => present !== null && present !== shipped);
    if (!values.diff)
        for (const { from, to, shipped } of missing)
            await copy((0,external_node_path_.join)(root, from), (0,external_node_path_.join)(target, to), shipped);
    if (values.json) {
        const [copied, left] = [missing.map(({ to }) => to), differing.map(({ to }) => to)];
        print(JSON.stringify(values.diff ? { missing: copied, differing: left } : { copied, differing: left }));
    }
    else {
        for (const { to } of missing)
            print(`${values.diff ? 'missing' : 'copied '}  ${to}`);
        for (const { to, present, shipped } of differing) {
            print(`differs  ${to}`);
            if (values.diff)
                for (const line of lineDiff(present ?? '', shipped))
                    print(`  ${line}`);
        }
        print(summary(values.diff, missing.length, differing.length, files.length));
    }
    return values.diff && missing.length + differing.length > 0 ? lib/* exitClass */.rI.refused : lib/* exitClass */.rI.ok;
}
/** Everything that the package brings for a repository. The environments file is a form to fill in: it is never compared. */
async function filesToCopy(root, withApp) {
    const examples = (await (0,promises_.readdir)((0,external_node_path_.join)(root, EXAMPLES))).filter((name) => name.endsWith('.yml'));
    const trees = withApp ? [STACK, APP] : [STACK];
    const inTrees = await Promise.all(trees.map(async (tree) => (await (0,release/* listStackFiles */.kA)((0,external_node_path_.join)(root, tree))).map(({ path }) => `${tree}/${path}`)));
    return [
        ...inTrees
            .flat()
            .filter((path) => !(path in LEFT_OUT_BY_NPM))
            .map((path) => ({ from: path, to: path })),
        ...Object.entries(LEFT_OUT_BY_NPM)
            .filter(([path]) => trees.some((tree) => path.startsWith(`${tree}/`)))
            .map(([path, text]) => ({ from: path, to: path, text })),
        ...examples.map((name) => ({ from: `${EXAMPLES}/${name}`, to: `${WORKFLOWS}/${name}` })),
        { from: ENVIRONMENTS, to: ENVIRONMENTS },
    ];
}
async function compare(root, target, file) {
    const shipped = await shippedText(root, file);
    const found = await (0,promises_.readFile)((0,external_node_path_.join)(target, file.to), 'utf8').catch(() => null);
    return { ...file, shipped, present: found !== null && file.to === ENVIRONMENTS ? shipped : found };
}
/** The content that the package has for a file. */
async function shippedText(root, { from, text }) {
    return text ?? (await (0,promises_.readFile)((0,external_node_path_.join)(root, from), 'utf8'));
}
async function copy(from, to, content) {
    await (0,promises_.mkdir)((0,external_node_path_.dirname)(to), { recursive: true });
    // Never over a file that came in between.
    await (0,promises_.writeFile)(to, content, { flag: 'wx' });
    // Whether it can be run: the rest of a mode is the person's own.
    if ((((await (0,promises_.stat)(from).catch(() => null))?.mode ?? 0) & 0o111) !== 0)
        await (0,promises_.chmod)(to, 0o755);
}
function summary(isDiff, missing, differing, all) {
    if (isDiff)
        return `${missing} missing, ${differing} differ, of ${all} files`;
    const left = differing === 0 ? '' : `; ${differing} differ and were left as they are (init --diff shows how)`;
    const next = missing === 0 ? '' : `\nnext: ${ENVIRONMENTS}, then pacs-deploy doctor`;
    return `${missing} of ${all} files copied${left}${next}`;
}
async function isDirectory(path) {
    return (await (0,promises_.stat)(path).catch(() => null))?.isDirectory() ?? false;
}


/***/ }),

/***/ 5969:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main),
  runCommand: () => (/* binding */ runCommand)
});

// EXTERNAL MODULE: external "node:fs"
var external_node_fs_ = __webpack_require__(3024);
// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/migrations/index.js + 52 modules
var migrations = __webpack_require__(4859);
// EXTERNAL MODULE: ./js/cli/arguments.js
var cli_arguments = __webpack_require__(1539);
;// CONCATENATED MODULE: ./js/cli/migrations.js



const folder = { type: 'string', default: 'deployment/production/migrations' };
/** `migrations new|lock|lint`: the files of migrations, without a database. */
async function migrationsCommand([verb, ...args], { print }) {
    switch (verb) {
        case 'new': {
            const options = { folder, phase: { type: 'string', default: 'expand' } };
            const { values, positionals } = (0,cli_arguments/* readArguments */.l)('migrations new', args, options, 1);
            const phase = migrations/* phaseSchema */.h7.safeParse(values.phase);
            if (!phase.success)
                throw (0,lib/* badInput */.AN)(`migrations new: --phase is "${values.phase}"; allowed: ${migrations/* PHASES */.ZG.join(', ')}`);
            const [name] = positionals;
            if (name === undefined)
                throw (0,lib/* badInput */.AN)('migrations new: give it a name, like add_report_state');
            print(await (0,migrations/* newMigration */.z6)(values.folder, name, phase.data));
            return lib/* exitClass */.rI.ok;
        }
        case 'lock': {
            const { values } = (0,cli_arguments/* readArguments */.l)('migrations lock', args, { folder });
            await (0,migrations/* writeLock */.be)(values.folder);
            print(`${values.folder}: locked`);
            return lib/* exitClass */.rI.ok;
        }
        case 'lint': {
            const { values } = (0,cli_arguments/* readArguments */.l)('migrations lint', args, { folder, json: { type: 'boolean', default: false } });
            const findings = await (0,migrations/* lintMigrations */.JW)(values.folder);
            if (values.json)
                print(JSON.stringify({ findings }));
            else {
                for (const finding of findings)
                    print((0,migrations/* formatFinding */.tf)(finding));
                print(`${findings.length} findings`);
            }
            return findings.some(({ level }) => level === 'error') ? lib/* exitClass */.rI.refused : lib/* exitClass */.rI.ok;
        }
        default:
            throw (0,lib/* badInput */.AN)(`migrations: there are new, lock and lint, not "${verb ?? ''}"`);
    }
}

// EXTERNAL MODULE: ./js/stack/index.js + 26 modules
var js_stack = __webpack_require__(6094);
;// CONCATENATED MODULE: ./js/cli/stack.js




/** `stack check`: whether the agent can run a Compose file, and whether the gate lets it pass. */
async function stackCommand([verb, ...args], { print }) {
    if (verb !== 'check')
        throw (0,lib/* badInput */.AN)(`stack: there is "stack check", not "${verb ?? ''}"`);
    const { values } = (0,cli_arguments/* readArguments */.l)('stack check', args, {
        'compose-file': { type: 'string', default: 'deployment/production/docker-compose.prod.yml' },
        json: { type: 'boolean', default: false },
    });
    const path = (0,external_node_path_.resolve)(values['compose-file']);
    const stack = await (0,js_stack/* loadStack */.fg)({ directory: (0,external_node_path_.dirname)(path), file: (0,external_node_path_.basename)(path) });
    const { blockers, allowed } = (0,js_stack/* gateStack */.aX)(stack);
    const findings = [...(0,js_stack/* checkStack */.hM)(stack), ...blockers];
    if (values.json)
        print(JSON.stringify({ findings, allowed }));
    else {
        for (const finding of findings)
            print(`${(0,js_stack/* formatFinding */.tf)(finding)} [${finding.rule}]`);
        for (const finding of allowed)
            print(`${(0,js_stack/* formatFinding */.tf)(finding)} [${finding.rule}] allowed: ${finding.because}`);
        print(`${findings.length} findings, ${allowed.length} allowed, ${stack.services.size} services`);
    }
    return findings.length === 0 ? lib/* exitClass */.rI.ok : lib/* exitClass */.rI.refused;
}

;// CONCATENATED MODULE: ./js/cli/main.js
// `pacs-deploy`: what a team asks for in its checkout. Only setup and doctor speak with anything outside, and only they load what can.





const USAGE = `usage: pacs-deploy init [--diff] [--reference-app] [--directory PATH] [--json]
       pacs-deploy setup USER@HOST [--port N] [--host-key KEY] [--identity FILE] [--ssh-config FILE] [what setup-production.sh takes …]
       pacs-deploy doctor [--environment NAME] [--ssh-key FILE] [--repository OWNER/NAME] [--offline] [--directory PATH] [--json]
       pacs-deploy stack check [--compose-file PATH] [--json]
       pacs-deploy migrations new NAME [--phase expand|data|contract] [--folder PATH]
       pacs-deploy migrations lock [--folder PATH]
       pacs-deploy migrations lint [--folder PATH] [--json]`;
/** Runs what the process was called with; its exit code is the class of the outcome (docs/outcomes.md). */
async function main() {
    const print = (line) => void process.stdout.write(`${line}\n`);
    // dist/cli/index.js of the package, however it was called.
    const root = (0,external_node_path_.dirname)((0,external_node_path_.dirname)((0,external_node_path_.dirname)((0,external_node_fs_.realpathSync)(process.argv[1] ?? ''))));
    process.exitCode = await runCommand(process.argv.slice(2), { print, root, env: process.env }).catch((thrown) => {
        if (!(thrown instanceof lib/* Failure */.HR))
            throw thrown;
        process.stderr.write(`pacs-deploy: ${thrown.kind}: ${thrown.message}\n`);
        return thrown.exitClass;
    });
}
/** @returns the class of the outcome. @throws Failure for what a person mends. */
async function runCommand([subject, ...args], console) {
    switch (subject) {
        case 'init':
            return (await Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 555))).initCommand(args, console);
        case 'setup':
            return (await Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 7989))).setUpCommand(args, console);
        case 'doctor':
            return (await Promise.resolve(/* import() eager */).then(__webpack_require__.bind(__webpack_require__, 4372))).doctorCommand(args, console);
        case 'stack':
            return stackCommand(args, console);
        case 'migrations':
            return migrationsCommand(args, console);
        case undefined:
        case 'help':
        case '--help':
            console.print(USAGE);
            return lib/* exitClass */.rI.ok;
        default:
            throw new lib/* Failure */.HR('bad-input', `there is no command "${subject}"\n${USAGE}`);
    }
}


/***/ }),

/***/ 7989:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

__webpack_require__.r(__webpack_exports__);
/* harmony export */ __webpack_require__.d(__webpack_exports__, {
/* harmony export */   setUpCommand: () => (/* binding */ setUpCommand)
/* harmony export */ });
/* harmony import */ var node_fs_promises__WEBPACK_IMPORTED_MODULE_0__ = __webpack_require__(1455);
/* harmony import */ var node_os__WEBPACK_IMPORTED_MODULE_1__ = __webpack_require__(8161);
/* harmony import */ var node_path__WEBPACK_IMPORTED_MODULE_2__ = __webpack_require__(4379);
/* harmony import */ var _lib_index_js__WEBPACK_IMPORTED_MODULE_3__ = __webpack_require__(7736);
/* harmony import */ var _ssh_index_js__WEBPACK_IMPORTED_MODULE_4__ = __webpack_require__(490);





const SCRIPT = 'deployment/production/scripts/setup-production.sh';
const AGENT = 'dist/agent/index.js';
const ENVIRONMENTS = 'deployment/environments.yml';
/** The one command that the server's shell is given: everything that differs between two set-ups comes by standard input. */
const REMOTE = `exec sh -c 'd=$(mktemp -d) || exit 1; tar -xf - -C "$d" && sh "$d/run" "$d"; s=$?; rm -rf "$d"; exit $s'`;
/** Runs on the server, in the folder that it was unpacked to. */
const RUN = `cd "$1"
set --
while IFS= read -r argument; do set -- "$@" "$argument"; done <arguments
if [ "$(id -u)" = 0 ]; then sh ./${SCRIPT} "$@"
elif sudo -n true 2>/dev/null; then sudo -n sh ./${SCRIPT} "$@"
else
  echo "$(id -un) is not root and may not become root without a password: log in as root, or run ${SCRIPT} at the console" >&2
  exit 40
fi || exit
echo "host key for ${ENVIRONMENTS}: $(cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)"
`;
/** Options of ours, all with a value; everything else is the script's. Those marked name a file that is brought along. */
const OWN = {
    '--port': 'port',
    '--host-key': 'host-key',
    '--identity': 'identity',
    '--ssh-config': 'ssh-config',
};
const BROUGHT = ['--node', '--restic', '--agent'];
/** What of this process the person's own ssh may need: agent, configuration, terminal. */
const SSH_NEEDS = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SSH_AUTH_SOCK', 'SSH_ASKPASS', 'DISPLAY', 'TERM', 'LANG'];
/**
 * `setup user@host`: brings setup-production.sh with this package's agent to a server and runs it there, by the ssh of the person who
 * asks, who needs root there. A host key that is neither known nor given is refused.
 * @returns the exit code of the script.
 */
async function setUpCommand(args, { print, root, env }) {
    const setUp = parse(args);
    const directory = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.mkdtemp)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)((0,node_os__WEBPACK_IMPORTED_MODULE_1__.tmpdir)(), 'pacs-setup-'));
    try {
        const childEnv = Object.fromEntries(SSH_NEEDS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
        const parcel = await pack(setUp, root, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(directory, 'parcel'), childEnv);
        const ssh = await sshArguments(setUp, directory);
        print(`setting ${setUp.host} up as ${setUp.user}`);
        const { code, stderr } = await (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .tryRun */ .JR)('ssh', [...ssh, REMOTE], { env: childEnv, input: parcel, onLine: print });
        if (code === 255)
            throw unreachable(setUp.host, stderr);
        return code;
    }
    finally {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.rm)(directory, { recursive: true, force: true });
    }
}
function parse(args) {
    const [target = '', ...rest] = args;
    const at = target.lastIndexOf('@');
    const [user, host] = [target.slice(0, Math.max(at, 0)), target.slice(at + 1)];
    if (!_ssh_index_js__WEBPACK_IMPORTED_MODULE_4__/* .userSchema */ .vJ.safeParse(user).success || !_ssh_index_js__WEBPACK_IMPORTED_MODULE_4__/* .hostSchema */ .g3.safeParse(host).success) {
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`setup: who and where? "${target}" is no user@host (pacs-deploy setup root@server.example.org --check)`);
    }
    const own = new Map();
    const brought = new Map();
    const script = [];
    for (let index = 0; index < rest.length; index++) {
        const argument = rest[index] ?? '';
        if (argument.includes('\n'))
            throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)('setup: an argument holds more than one line');
        const name = Object.entries(OWN).find(([option]) => option === argument)?.[1];
        if (name === undefined && !BROUGHT.includes(argument)) {
            script.push(argument);
            continue;
        }
        const value = rest[++index];
        if (value === undefined)
            throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`setup: ${argument} needs a value`);
        if (name !== undefined)
            own.set(name, value);
        else {
            const file = argument.slice(2);
            brought.set(file, value);
            script.push(argument, file);
        }
    }
    const port = own.get('port');
    if (port !== undefined && !_ssh_index_js__WEBPACK_IMPORTED_MODULE_4__/* .portSchema */ .lu.safeParse(Number(port)).success)
        throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`setup: --port ${port} is no port`);
    return { user, host, own, script, brought };
}
/** The script with all that it takes, as the tar archive that the server unpacks. */
async function pack({ script, brought }, root, parcel, env) {
    const files = [
        // The script calls others that lie beside it.
        ...(await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readdir)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(root, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(SCRIPT)))).map((name) => {
            const path = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)(SCRIPT), name);
            return [(0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(root, path), path];
        }),
        [(0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(root, AGENT), AGENT],
        ...[...brought].map(([to, from]) => [from, to]),
    ];
    for (const [from, to] of files) {
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.mkdir)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.dirname)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(parcel, to)), { recursive: true });
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.copyFile)(from, (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(parcel, to)).catch(() => {
            throw (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`setup: ${from} cannot be read`);
        });
    }
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(parcel, 'run'), RUN);
    await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)((0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(parcel, 'arguments'), script.map((argument) => `${argument}\n`).join(''));
    const bytes = [];
    const options = { env: { ...env, COPYFILE_DISABLE: '1' }, onBytes: (chunk) => void bytes.push(chunk) };
    const { code, stderr } = await (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .tryRun */ .JR)('tar', ['-C', parcel, '-cf', '-', '.'], options);
    if (code !== 0)
        throw new _lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .Failure */ .HR('error', `tar cannot pack what is brought: ${stderr}`);
    return Buffer.concat(bytes);
}
/** Arguments of ssh: the person's own configuration, but no host key that is not known. */
async function sshArguments({ user, host, own }, directory) {
    const keys = own.has('host-key') ? [own.get('host-key') ?? ''] : await pinnedKeys(host);
    const pinned = [];
    if (keys.length > 0) {
        const knownHosts = (0,node_path__WEBPACK_IMPORTED_MODULE_2__.join)(directory, 'known_hosts');
        await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.writeFile)(knownHosts, keys.map((key) => `pacs-server ${key.trim()}\n`).join(''));
        pinned.push('-o', 'HostKeyAlias=pacs-server', '-o', `UserKnownHostsFile=${knownHosts}`);
    }
    return [
        ...(own.has('ssh-config') ? ['-F', own.get('ssh-config') ?? ''] : []),
        ...(own.has('port') ? ['-p', own.get('port') ?? ''] : []),
        ...(own.has('identity') ? ['-i', own.get('identity') ?? ''] : []),
        ...['-o', 'StrictHostKeyChecking=yes', ...pinned, '-T', '-l', user, '--', host],
    ];
}
/** The host keys that the environments file of this checkout has for `host`. */
async function pinnedKeys(host) {
    const readable = await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.access)(ENVIRONMENTS).then(() => true, () => false);
    if (!readable)
        return [];
    const environments = (0,_ssh_index_js__WEBPACK_IMPORTED_MODULE_4__/* .parseEnvironments */ .ml)(ENVIRONMENTS, await (0,node_fs_promises__WEBPACK_IMPORTED_MODULE_0__.readFile)(ENVIRONMENTS, 'utf8'));
    return environments.filter(({ target }) => target.host === host).flatMap(({ target }) => target['host-keys']);
}
function unreachable(host, said) {
    const last = said.trim().split('\n').at(-1) ?? '';
    if (/host key/i.test(said)) {
        return (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`the host key of ${host} is not the known one (${last}): read /etc/ssh/ssh_host_ed25519_key.pub at its console and give it by --host-key`);
    }
    if (/Permission denied/.test(said))
        return (0,_lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .badInput */ .AN)(`${host} does not let this person in: ${last}`);
    return new _lib_index_js__WEBPACK_IMPORTED_MODULE_3__/* .Failure */ .HR('unreachable', `${host} cannot be reached: ${last || 'ssh ended without a word'}`);
}


/***/ })

};
