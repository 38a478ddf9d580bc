/** `npm run test:app`: the service's own tests, with a real Redis, and a real MongoDB or FerretDB. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { clone } from "../toolchain/places";
import { ensureVenv } from "../toolchain/venv";
import { appStores } from "./appStores";

const app = join(clone, "app");

interface Options {
    readonly k?: string;
    readonly coverage?: true;
}

type Command = readonly [name: string, ...args: string[]];

/** pytest, and with `coverage` what of sms/ it ran. The processes of the service count too. */
function tests(files: readonly string[], { k, coverage }: Options): Command[] {
    const pytest = ["pytest", ...(k === undefined ? [] : ["-k", k]), ...files] as const;
    return coverage
        ? [
              ["coverage", "run", "-m", ...pytest],
              ["coverage", "combine", "--quiet"],
              ["coverage", "report"],
          ]
        : [pytest];
}

async function testApp(files: readonly string[], options: Options): Promise<number> {
    const venv = await ensureVenv("requirements-dev.txt");
    const stores = await appStores();
    const folder = mkdtempSync(join(tmpdir(), "sms-coverage-"));
    try {
        const env = {
            PATH: `${join(venv, "bin")}:${process.env.PATH}`,
            TEST_REDIS_URL: stores.redisUrl,
            TEST_MONGO_URL: stores.mongoUrl,
            ...(options.coverage && { COVERAGE_FILE: join(folder, "data") }),
        };
        let failed = 0;
        for (const [name, ...args] of tests(files, options)) {
            const ran = await execa(name, args, { cwd: app, stdio: "inherit", reject: false, env });
            failed += ran.failed ? 1 : 0;
        }
        return failed === 0 ? 0 : 1;
    } finally {
        rmSync(folder, { recursive: true });
        await stores.end();
    }
}

function testFile(name: string, before: readonly string[] = []): readonly string[] {
    if (!existsSync(join(app, name.split("::")[0] as string))) {
        throw new InvalidArgumentError("Allowed: files and folders in app/, tests/test_api.py for example.");
    }
    return [...before, name];
}

start(
    script(
        "test:app",
        "Runs the service's own tests, on the stores that TEST_REDIS_URL and TEST_MONGO_URL name, else on some of their own.",
    )
        .argument("[files...]", "only these tests, as pytest names them", testFile)
        .option("-k <expression>", "only tests whose names match, as pytest has it")
        .option("--coverage", "say which lines of the service the tests don't run")
        .action(exitCode(testApp)),
);
