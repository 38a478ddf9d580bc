/**
 * Every Node process of this project starts with `node -r ./register.cjs`. This hook compiles TypeScript when a file is loaded. It doesn't
 * check types; `npm test` does. It also skips work of the SDK that this project doesn't need. Reasons and measurements:
 * docs/decisions/0030-start.md and 0062-start-compared.md.
 */
const { readFileSync } = require("node:fs");
const Module = require("node:module");
const { transformSync } = require("@swc/core");

const maps = new Map();

Module._extensions[".ts"] = (module, filename) => {
    const { code, map } = transformSync(readFileSync(filename, "utf8"), {
        filename,
        sourceMaps: true,
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        // A package is loaded at its first use, not at its import.
        module: { type: "commonjs", ignoreDynamic: true, lazy: true },
        swcrc: false,
    });
    maps.set(filename, map);
    module._compile(process.env.NODE_V8_COVERAGE ? withMap(code, map) : code, filename);
};

// `npm run coverage` reads there which line of the source each line of the code is.
function withMap(code, map) {
    return `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}`;
}

require("source-map-support").install({
    environment: "node",
    handleUncaughtExceptions: false,
    overrideRetrieveSourceMap: true,
    retrieveSourceMap: (filename) => (maps.has(filename) ? { url: filename, map: maps.get(filename) } : null),
});

// The SDK needs both only to serialize functions for dynamic providers.
for (const id of ["@pulumi/pulumi/typescript-shim", "@npmcli/arborist"]) {
    const filename = require.resolve(id);
    const whole = () => {
        delete require.cache[filename];
        return require(filename);
    };
    const exports = new Proxy({}, { get: (_, name) => name === "__esModule" || whole()[name] });
    require.cache[filename] = { id: filename, filename, loaded: true, exports };
}

// The SDK records the stack trace of each promise, to report promises that never settle. Only a debugging run needs these traces.
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
