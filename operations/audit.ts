/**
 * `npm run audit`: reports known vulnerabilities of the dependencies. It also writes two bills of materials (CycloneDX) with all
 * licences: one of the npm tree, one of the image's Python packages.
 */

import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Option } from "@commander-js/extra-typings";
import { execa } from "execa";
import { exitCode, script, start } from "../cli/command";
import { clone } from "../toolchain/places";
import { ensureVenv } from "../toolchain/venv";

interface Options {
    readonly level: string;
    readonly output: string;
}

async function audit({ level, output }: Options): Promise<number> {
    const folder = resolve(clone, output);
    mkdirSync(folder, { recursive: true });
    const [tools, image] = [await ensureVenv("requirements-audit.txt"), await ensureVenv("requirements.txt")];
    const npmBill = join(folder, "npm.cdx.json");
    const pythonBill = join(folder, "python.cdx.json");
    const bills: [what: string, command: string, args: string[]][] = [
        [
            npmBill,
            join(clone, "node_modules", ".bin", "cyclonedx-npm"),
            ["--output-reproducible", "--ignore-npm-errors", "--output-file", npmBill],
        ],
        [pythonBill, join(tools, "bin", "cyclonedx-py"), ["environment", "--output-reproducible", "--output-file", pythonBill, image]],
    ];
    const lock = join(clone, "app", "requirements.txt");
    const audits: typeof bills = [
        [`the npm tree, ${level} and above`, "npm", ["audit", `--audit-level=${level}`]],
        // pip-audit has no severities: any known vulnerability fails the audit.
        [
            "the image's Python packages",
            join(tools, "bin", "pip-audit"),
            ["--strict", "--require-hashes", "--disable-pip", "--requirement", lock],
        ],
    ];
    let failed = 0;
    for (const [what, command, args] of [...bills, ...audits]) {
        process.stdout.write(`\n${what}\n`);
        const ran = await execa(command, args, { cwd: clone, reject: false, stdin: "ignore", stdout: "inherit", stderr: "inherit" });
        failed += ran.failed ? 1 : 0;
    }
    return failed === 0 ? 0 : 1;
}

if (require.main === module) {
    start(
        script("audit", "Looks for known vulnerabilities in the npm tree and the image's packages, and writes a bill of materials of each.")
            .addOption(
                new Option("--level <severity>", "the lowest severity in the npm tree that fails the audit")
                    .choices(["low", "moderate", "high", "critical"])
                    .default("high"),
            )
            .option("--output <folder>", "the folder for the bills of materials", "sbom")
            .action(exitCode(audit)),
    );
}
