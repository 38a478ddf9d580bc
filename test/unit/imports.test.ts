import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, normalize } from "node:path";
import ts from "typescript";
import { clone } from "../../toolchain/places";
import { standIns } from "../../toolchain/standIns";

/** The folders that users need for their stacks (`shipping`), and those for tests and measurements only (`scaffolding`). */
const shipping = [
    "index.ts",
    "settings",
    "components",
    "capacity",
    "preflight",
    "monitoring",
    "policies",
    "operations",
    "cli",
    "toolchain",
];
const scaffolding = ["lab", "test", "docs/.vitepress"];

interface Import {
    readonly file: string;
    readonly to: string;
}

/** The top-level folder of a path, or index.ts. */
const top = (path: string) => (path === "index" ? "index.ts" : (path.split("/")[0] as string));

/** The files in a folder of the clone, or the file itself. The peers of the benchmarks are left out. */
function sources(name: string): string[] {
    if (name.endsWith(".ts")) {
        return [name];
    }
    return readdirSync(join(clone, name), { recursive: true, encoding: "utf8" })
        .map((file) => join(name, file))
        .filter((file) => /\.[cm]?ts$|\.[cm]js$/.test(file) && !/^lab\/performance\/peers\/|\/node_modules\//.test(file));
}

const textOf = (file: string) => readFileSync(join(clone, file), "utf8");

/** What a text imports, including types, `require` and dynamic imports. */
const namesIn = (text: string) => ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);

/** The imports of files of this clone. */
function importsOf(file: string, text: string): Import[] {
    return namesIn(text)
        .filter((name) => name.startsWith("."))
        .map((name) => ({ file, to: normalize(join(dirname(file), name)) }));
}

/** The packages that a text imports. */
function packagesIn(text: string): string[] {
    return namesIn(text)
        .filter((name) => !name.startsWith(".") && !isBuiltin(name))
        .map((name) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] as string);
}

/** These files, and those that they import directly or indirectly. */
function withImports(files: readonly string[]): string[] {
    const reached = new Set(files);
    for (const file of reached) {
        for (const { to } of importsOf(file, textOf(file))) {
            reached.add([`${to}.ts`, join(to, "index.ts")].find((each) => existsSync(join(clone, each))) ?? to);
        }
    }
    return [...reached];
}

/** Why an import is not allowed, or undefined. */
function problem({ file, to }: Import): string | undefined {
    const [from, target] = [top(file), top(to)];
    const refused = (why: string) => `${file} imports ${to}: ${why}`;
    if (shipping.includes(from) && scaffolding.includes(target)) {
        return refused("shipped code imports nothing from lab and test");
    }
    if (from === "lab" && target === "test") {
        return refused("what several tests use is in lab/fixtures");
    }
    if (["settings", "components"].includes(from) && ["operations", "cli", "toolchain"].includes(target)) {
        return refused("the program doesn't depend on commands");
    }
    if (from === "components" && target === "settings") {
        return refused("a component gets its settings as arguments");
    }
    return undefined;
}

/** The groups of folders in which each imports the others, directly or indirectly. */
function circlesAmong(imports: readonly Import[]): string[][] {
    const folders = [...new Set(imports.map(({ file }) => top(file)))].sort();
    const reached = (from: string, seen = new Set<string>()): Set<string> => {
        for (const { file, to } of imports) {
            if (top(file) === from && top(to) !== from && !seen.has(top(to))) {
                reached(top(to), seen.add(top(to)));
            }
        }
        return seen;
    };
    const reach = new Map(folders.map((folder) => [folder, reached(folder)]));
    const groups = folders.map((folder) => folders.filter((other) => reach.get(folder)?.has(other) && reach.get(other)?.has(folder)));
    return groups.filter((group, index) => group.length > 0 && group[0] === folders[index]);
}

describe("imports", () => {
    const imports = [...shipping, ...scaffolding].flatMap(sources).flatMap((file) => importsOf(file, textOf(file)));

    it("go from tests to shipped code, from commands to components, and not from components to settings", () => {
        assert.deepEqual(
            imports.flatMap((each) => problem(each) ?? []),
            [],
        );
    });

    it("are checked in all compiled folders", () => {
        const { include } = JSON.parse(textOf("tsconfig.json")) as { include: string[] };
        assert.deepEqual([...shipping, ...scaffolding].sort(), include.sort());
    });

    it("of packages, by shipped code and by the stand-ins of a preview, are the `dependencies`", () => {
        const { dependencies } = JSON.parse(textOf("package.json")) as { dependencies: object };
        const started = Object.values(standIns).map((folder) => join(folder, "main.ts"));
        const imported = withImports(["register.cjs", ...shipping.flatMap(sources), ...started]).flatMap((file) =>
            packagesIn(textOf(file)),
        );
        const peers = ["commander", "typescript"];
        assert.deepEqual(Object.keys(dependencies).sort(), [...new Set([...imported, ...peers])].sort());
    });

    it("form no circle among folders", () => {
        assert.deepEqual(circlesAmong(imports), []);
    });

    it("are found in every notation", () => {
        const text = `
            import type { A } from "../lab/machine/a";
            export * from "../lab/reliability/b";
            type C = typeof import("../lab/performance/c");
            const d = require("../test/d");
            const e = await import("../lab/origin/e");
        `;
        const found = importsOf("components/web.ts", text);
        assert.deepEqual(
            found.map(({ to }) => to),
            ["lab/machine/a", "lab/reliability/b", "lab/performance/c", "test/d", "lab/origin/e"],
        );
        assert.equal(found.flatMap((each) => problem(each) ?? []).length, found.length);
    });

    for (const [file, to] of [
        ["operations/deploy.ts", "../lab/machine/docker"],
        ["settings/parse.ts", "../cli/command"],
        ["lab/reliability/main.ts", "../../test/unit/web.test"],
        ["components/web.ts", "../operations/operation"],
        ["components/web.ts", "../settings/parse"],
    ] as const) {
        it(`are refused from ${file} to ${to}`, () => {
            assert.equal(importsOf(file, `import { a } from "${to}";`).filter((each) => problem(each) !== undefined).length, 1);
        });
    }

    it("form a circle if a third folder closes it", () => {
        const chain = [
            { file: "a/1.ts", to: "b/1" },
            { file: "b/2.ts", to: "c/1" },
            { file: "c/2.ts", to: "a/2" },
            { file: "d/1.ts", to: "a/1" },
        ];
        assert.deepEqual(circlesAmong(chain), [["a", "b", "c"]]);
    });
});
