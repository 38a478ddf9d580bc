/** `npm run test:python`: the style and the types of the Python code. Both are checked in seconds, without stores. */
import { join } from "node:path";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { clone } from "../toolchain/places";
import { ensureVenv } from "../toolchain/venv";

/** They include the second app, which has no configuration of its own. */
const linted = ["--config", "pyproject.toml", ".", join("..", "test", "adopting", "app")];

const checks = [["ruff", "check", ...linted], ["ruff", "format", "--check", ...linted], ["mypy"]] as const;

async function testPython(): Promise<number> {
    const bin = join(await ensureVenv("requirements-dev.txt"), "bin");
    const ran = await Promise.all(
        checks.map(([name, ...args]) => execa(join(bin, name), args, { cwd: join(clone, "app"), reject: false, all: true })),
    );
    process.stdout.write(ran.map(({ all }) => `${all}\n`).join(""));
    return ran.every(({ failed }) => !failed) ? 0 : 1;
}

start(script("test:python", "Checks the Python code by ruff, and its types by mypy.").action(exitCode(testPython)));
