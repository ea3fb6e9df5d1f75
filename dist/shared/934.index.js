export const id = 934;
export const ids = [934];
export const modules = {

/***/ 2934:
/***/ ((__unused_webpack___webpack_module__, __webpack_exports__, __webpack_require__) => {

// ESM COMPAT FLAG
__webpack_require__.r(__webpack_exports__);

// EXPORTS
__webpack_require__.d(__webpack_exports__, {
  main: () => (/* binding */ main),
  runCommand: () => (/* binding */ runCommand)
});

// EXTERNAL MODULE: ./js/lib/index.js + 8 modules
var lib = __webpack_require__(7736);
// EXTERNAL MODULE: ./js/migrations/index.js + 52 modules
var migrations = __webpack_require__(4859);
// EXTERNAL MODULE: external "node:util"
var external_node_util_ = __webpack_require__(7975);
;// CONCATENATED MODULE: ./js/cli/arguments.js


/**
 * Reads the arguments of `verb`.
 * @throws Failure `bad-input` for an unknown option, one without its value, or more positionals than `positionals`.
 */
function readArguments(verb, args, options, positionals = 0) {
    const parsed = parse(verb, args, options);
    const extra = parsed.positionals[positionals];
    if (extra !== undefined)
        throw (0,lib/* badInput */.AN)(`${verb}: what is "${extra}"? (pacs-deploy --help)`);
    return parsed;
}
function parse(verb, args, options) {
    try {
        return (0,external_node_util_.parseArgs)({ args: [...args], options, allowPositionals: true, strict: true });
    }
    catch (thrown) {
        throw (0,lib/* badInput */.AN)(`${verb}: ${(0,lib/* messageOf */.bD)(thrown)} (pacs-deploy --help)`);
    }
}

;// CONCATENATED MODULE: ./js/cli/migrations.js



const folder = { type: 'string', default: 'deployment/production/migrations' };
/** `migrations new|lock|lint`: the files of migrations, without a database. */
async function migrationsCommand([verb, ...args], { print }) {
    switch (verb) {
        case 'new': {
            const options = { folder, phase: { type: 'string', default: 'expand' } };
            const { values, positionals } = readArguments('migrations new', args, options, 1);
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
            const { values } = readArguments('migrations lock', args, { folder });
            await (0,migrations/* writeLock */.be)(values.folder);
            print(`${values.folder}: locked`);
            return lib/* exitClass */.rI.ok;
        }
        case 'lint': {
            const { values } = readArguments('migrations lint', args, { folder, json: { type: 'boolean', default: false } });
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

// EXTERNAL MODULE: external "node:path"
var external_node_path_ = __webpack_require__(4379);
// EXTERNAL MODULE: ./js/stack/index.js + 26 modules
var js_stack = __webpack_require__(6094);
;// CONCATENATED MODULE: ./js/cli/stack.js




/** `stack check`: whether the agent can run a Compose file, and whether the gate lets it pass. */
async function stackCommand([verb, ...args], { print }) {
    if (verb !== 'check')
        throw (0,lib/* badInput */.AN)(`stack: there is "stack check", not "${verb ?? ''}"`);
    const { values } = readArguments('stack check', args, {
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
// `pacs-deploy`: what a team asks for in its checkout, without a server or a job.



const USAGE = `usage: pacs-deploy stack check [--compose-file PATH] [--json]
       pacs-deploy migrations new NAME [--phase expand|data|contract] [--folder PATH]
       pacs-deploy migrations lock [--folder PATH]
       pacs-deploy migrations lint [--folder PATH] [--json]`;
/** Runs what the process was called with; its exit code is the class of the outcome (docs/outcomes.md). */
async function main() {
    const print = (line) => void process.stdout.write(`${line}\n`);
    process.exitCode = await runCommand(process.argv.slice(2), { print }).catch((thrown) => {
        if (!(thrown instanceof lib/* Failure */.HR))
            throw thrown;
        process.stderr.write(`pacs-deploy: ${thrown.kind}: ${thrown.message}\n`);
        return thrown.exitClass;
    });
}
/** @returns the class of the outcome. @throws Failure for what a person mends. */
async function runCommand([subject, ...args], console) {
    switch (subject) {
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


/***/ })

};
