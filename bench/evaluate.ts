/** Evaluates the whole program of `local` on mocks, as the unit tests do; writes its manifests to the file that is named. */
import { writeFileSync } from "node:fs";
import { run } from "../operations/operation";

const marks: [string, number][] = [["Node, until it runs us", performance.now()]];
const mark = (what: string) => marks.push([what, performance.now()]);

async function evaluate([file]: string[]): Promise<number> {
    const pulumi = require("@pulumi/pulumi") as typeof import("@pulumi/pulumi");
    mark("loading the SDK");
    const { deploy } = require("../test/unit/deployed") as typeof import("../test/unit/deployed");
    const { localSecrets, stackFile } = require("../test/unit/stackFile") as typeof import("../test/unit/stackFile");
    // No cluster of whoever runs this is asked what room it has.
    process.env.KUBECONFIG = "";
    const { deployed } = await deploy(() => {
        const all = Object.entries({ ...stackFile("local"), ...localSecrets }).map(([key, text]) => [`sms:${key}`, text]);
        const secrets = Object.keys(localSecrets).map((key) => `sms:${key}`);
        pulumi.runtime.setAllConfig(Object.fromEntries(all), secrets);
        require("../index");
        mark("loading and running the program");
    }, "local");
    mark("registering its resources");
    if (file !== undefined) {
        const manifests = deployed.resources.filter(({ type }) => /^kubernetes:[^:]+:[A-Z]/.test(type)).map(({ inputs }) => inputs);
        writeFileSync(file, JSON.stringify(manifests));
    }
    const parts = marks.map(([what, end], index) => ({ what, seconds: (end - (marks[index - 1]?.[1] ?? 0)) / 1000 }));
    process.stdout.write(`${JSON.stringify(parts)}\n`);
    return 0;
}

run(() => evaluate(process.argv.slice(2)));
