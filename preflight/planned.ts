import { claimOf } from "../components/persistentPod";
import type { Settings } from "../settings";

export interface PlannedObject {
    readonly kind: string;
    readonly name: string;
}

/** The objects that the stack will apply under fixed names, which another owner's objects may have. Generated names can't collide. */
export function plannedObjects(settings: Settings): PlannedObject[] {
    const { redis, mongo, web, workers, logs, networkPolicies, keda, monitoring, serviceAccount } = settings;
    const of = (kind: string, ...names: string[]) => names.map((name) => ({ kind, name }));
    const stores = Object.entries({ redis, mongo }).flatMap(([name, { kind }]) => (kind === "cluster" ? [name] : []));
    const replicated = [{ ...web, name: "web" }, ...workers];
    const grown = replicated.filter(({ autoscale }) => autoscale !== undefined);
    const byQueue = grown.filter(({ autoscale }) => autoscale !== undefined && "kind" in autoscale && autoscale.kind === "queue");
    const byCpu = grown.filter((one) => !byQueue.includes(one));
    const policies = [
        "default-deny",
        "web-from-anywhere",
        "metrics-from-prometheus",
        ...networkPolicies.gateways.map(({ name }) => `${name}-to-gateway`),
        ...["dns", "redis", "mongo"].map((to) => `processes-to-${to}`),
        ...stores.map((store) => `${store}-from-processes`),
        ...(stores.includes("redis") && keda ? ["redis-from-keda"] : []),
        ...(serviceAccount?.ramRole === undefined ? [] : ["processes-to-alibaba"]),
        ...(logs.ship ? ["collectors-to-logs"] : []),
    ];
    const processes = (those: readonly { name: string }[]) => those.map(({ name }) => `sms-${name}`);
    return [
        ...(settings.registry.account ? of("Secret", "pull-secret") : []),
        ...(serviceAccount ? of("ServiceAccount", "sms") : []),
        ...of("Service", "sms-web", ...stores),
        ...of("StatefulSet", ...stores),
        ...of("PersistentVolumeClaim", ...stores.map(claimOf)),
        ...of("Deployment", "sms-beat", ...processes(replicated)),
        ...of("PodDisruptionBudget", ...processes(replicated)),
        ...of("HorizontalPodAutoscaler", ...processes(byCpu)),
        ...of("ScaledObject", ...processes(byQueue)),
        ...(keda ? of("TriggerAuthentication", "sms-redis") : []),
        ...(networkPolicies.enabled ? of("NetworkPolicy", ...policies) : []),
        ...(monitoring.kind === "operator"
            ? [...of("PodMonitor", "sms"), ...of("PrometheusRule", "sms"), ...of("ConfigMap", "sms-dashboard")]
            : []),
    ];
}
