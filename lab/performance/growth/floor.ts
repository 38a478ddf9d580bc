/** `floor.ts COUNT FILE`: registers COUNT workloads on mocks from the finished manifests in FILE. So only the SDK is measured. */
import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { run } from "../../../operations/operation";

interface Manifest {
    apiVersion: string;
    kind: string;
}

class Resource extends pulumi.CustomResource {}

async function register([count, file]: string[]): Promise<number> {
    const text = readFileSync(file as string, "utf8");
    await pulumi.runtime.setMocks({
        newResource: ({ name, inputs }) => ({ id: name, state: inputs }),
        call: ({ inputs }) => inputs,
    });
    for (let index = 0; index < Number(count); index++) {
        const parent = new pulumi.ComponentResource("sms:worker:Worker", `pool-${index}`);
        for (const manifest of JSON.parse(text.replaceAll("pool-0", `pool-${index}`)) as Manifest[]) {
            const type = `kubernetes:${manifest.apiVersion}:${manifest.kind}`;
            new Resource(type, `${manifest.kind}-${index}`, { ...manifest }, { parent });
        }
    }
    await pulumi.runtime.disconnect();
    return 0;
}

run(() => register(process.argv.slice(2)));
