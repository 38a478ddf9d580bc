/**
 * How every Node process of this project starts: `node -r ./register.cjs`. It compiles TypeScript when that is loaded, without a
 * check of types, which `npm test` does; and it spares the SDK work that nobody here needs. Why: docs/decisions/start.md.
 */
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { transformSync } = require("@swc/core");

// From Node 22 on: keeps what V8 compiled between runs.
Module.enableCompileCache?.();

const maps = new Map();

Module._extensions[".ts"] = (module, filename) => {
    const { code, map } = transformSync(readFileSync(filename, "utf8"), {
        filename,
        sourceMaps: true,
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        // Packages are loaded by whoever uses them, not by whoever may.
        module: { type: "commonjs", ignoreDynamic: true, lazy: true },
        swcrc: false,
    });
    maps.set(filename, map);
    module._compile(code, filename);
};

require("source-map-support").install({
    environment: "node",
    handleUncaughtExceptions: false,
    overrideRetrieveSourceMap: true,
    retrieveSourceMap: (filename) => (maps.has(filename) ? { url: filename, map: maps.get(filename) } : null),
});

// The SDK needs both only to send functions of the program elsewhere (dynamic providers).
for (const id of ["@pulumi/pulumi/typescript-shim", "@npmcli/arborist"]) {
    const filename = require.resolve(id);
    const whole = () => {
        delete require.cache[filename];
        return require(filename);
    };
    const exports = new Proxy({}, { get: (_, name) => name === "__esModule" || whole()[name] });
    require.cache[filename] = { id: filename, filename, loaded: true, exports };
}

// The SDK notes the stack of each of its promises, in case one never ends and somebody asks which.
if (process.env.PULUMI_DEBUG_PROMISE_LEAKS === undefined) {
    const filename = require.resolve("@pulumi/pulumi/runtime/debuggable");
    const load = Module._extensions[".js"];
    Module._extensions[".js"] = (module, loaded) => {
        load(module, loaded);
        if (loaded === filename) {
            const { debuggablePromise } = module.exports;
            module.exports.debuggablePromise = (...promise) => withoutStack(() => debuggablePromise(...promise));
        }
    };
}

function withoutStack(work) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
        return work();
    } finally {
        Error.stackTraceLimit = stackTraceLimit;
    }
}
