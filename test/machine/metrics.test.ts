import assert from "node:assert/strict";
import { kubectl } from "../../lab/machine/kubernetes";
import { until } from "../../toolchain/progress";

interface PodMetrics {
    metadata: { name: string };
    containers: { usage: { cpu: string; memory: string } }[];
}

describe("metrics-server on the machine's cluster", () => {
    it("reports the CPU and memory use of each pod", async () => {
        let coredns: PodMetrics | undefined;
        await until(
            async () => {
                const { items } = JSON.parse(await kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1/namespaces/kube-system/pods"));
                coredns = items.find(({ metadata }: PodMetrics) => metadata.name.startsWith("coredns-"));
                return coredns !== undefined;
            },
            60,
            () => "it knows no pod after 60 s",
        );
        const { cpu, memory } = coredns?.containers[0]?.usage ?? {};
        assert.match(`${cpu}`, /^[1-9]\d*n$/);
        assert.match(`${memory}`, /^[1-9]\d*Ki$/);
    });
});
