/** `evaluate.ts COUNT NAMESPACE [FILE]`: evaluates COUNT workloads on mocks, and writes their manifests to FILE. */
import { writeFileSync } from "node:fs";
import { run } from "../../../operations/operation";
import { deploy } from "../../fixtures/deployed";
import { workloads } from "./workloads";

async function evaluate([count, namespace, file]: string[]): Promise<number> {
    const { deployed } = await deploy(() => workloads(Number(count), namespace as string));
    if (file !== undefined) {
        const manifests = deployed.resources.filter(({ type }) => type.startsWith("kubernetes:")).map(({ inputs }) => inputs);
        writeFileSync(file, JSON.stringify(manifests));
    }
    return 0;
}

run(() => evaluate(process.argv.slice(2)));
