import { readFileSync } from "node:fs";
import { ApiObject, App, Chart } from "cdk8s";

/** WORKLOADS copies of one workload's manifests, each with its own names. */
const text = readFileSync(process.env.MANIFESTS as string, "utf8");
const app = new App();
const chart = new Chart(app, "growth");
for (let index = 0; index < Number(process.env.WORKLOADS); index++) {
    for (const manifest of JSON.parse(text.replaceAll("pool-0", `pool-${index}`))) {
        new ApiObject(chart, `${manifest.kind}-${index}`, manifest);
    }
}
app.synth();
