import { post } from "../../machine/client";
import { type Namespace, pause } from "../cluster";
import type { Count, Experiment, Form, Point, Side, Stage, Trial } from "../experiment";
import { type Answer, Attack, accepted, failureNotes, inSpans, isFailed, type Request, worst, write } from "../load";
import type { Origin } from "../origin";
import type { Product } from "../product";

const rate = 20;
/** The longest time that a caller may wait. */
const mostMilliseconds = 5000;

type Store = "redis" | "mongo";

interface Outage {
    title: string;
    stores: readonly Store[];
    /** How long the stores are down. 0: their pods are deleted, and Kubernetes restarts them at once. */
    seconds: number;
}

const lastingReadiness = "persistent readiness";

const redisGone: Record<Form, Outage> = {
    full: { title: "Redis is unavailable for 60 s", stores: ["redis"], seconds: 60 },
    short: { title: "Redis is unavailable for 8 s", stores: ["redis"], seconds: 8 },
};

const outages: Record<Form, readonly Outage[]> = {
    full: [
        { title: "Redis restarts", stores: ["redis"], seconds: 0 },
        redisGone.full,
        { title: "MongoDB is unavailable for 60 s", stores: ["mongo"], seconds: 60 },
        { title: "both are unavailable for 60 s", stores: ["redis", "mongo"], seconds: 60 },
    ],
    short: [{ title: "both are unavailable for 8 s", stores: ["redis", "mongo"], seconds: 8 }],
};

async function trial(stage: Stage, side: Side, form: Form): Promise<Trial> {
    const deployed = side.kind === "origin" ? await stage.origin() : await stage.product();
    const ours = side.kind === "origin" ? undefined : await stage.product();
    const restore = ours !== undefined && side.kind === "without" ? await takeOut(ours, side.protection) : undefined;
    const counts: Count[] = [];
    const points: Point[] = [];
    const notes: string[] = [];
    try {
        for (const outage of outagesOf(side, form)) {
            const found = await suffer(deployed, ours, outage);
            counts.push(...found.counts);
            points.push(...found.points);
            notes.push(...failureNotes(side, outage.title, found.answers));
        }
    } finally {
        await restore?.();
    }
    return { counts, points, notes };
}

async function takeOut(product: Product, protection: string): Promise<() => Promise<void>> {
    if (protection === lastingReadiness) {
        product.stack.edit("app/sms/readiness.py", (code) => code.replace("if self._file.exists():", "if False:"));
    } else {
        await product.configure({ env: { RESEND_INTERVAL_SECONDS: 3600 } });
    }
    await product.up();
    return async () => {
        product.stack.restore("app/sms/readiness.py");
        await product.configure();
        await product.up();
    };
}

/** Without a protection, only Redis goes down: its lost messages show the effect. For the origin, both stores go down. */
function outagesOf(side: Side, form: Form): readonly Outage[] {
    switch (side.kind) {
        case "ours":
            return outages[form];
        case "without":
            return [redisGone.short];
        case "origin":
            return outages[form].slice(-1);
    }
}

async function suffer({ cluster, address }: Product | Origin, product: Product | undefined, { title, stores, seconds }: Outage) {
    const before = await firstMessage(address);
    const read: Request = { method: "GET", url: `${address}/messages/${before}` };
    let backAt = 0;
    const load = { requests: [write(address), read], rate, seconds: seconds + 240, keepAlive: false };
    const { answers, result: servesAgain } = await Attack.during(load, async () => {
        await pause(5);
        await Promise.all(stores.map((store) => takeAway(cluster, store, seconds)));
        backAt = Date.now();
        const served = await secondsUntilServed(address, 180);
        await pause(5);
        return served;
    });
    const ids = accepted(answers);
    const unsent = product && (await product.unsent(ids, 90));
    const sentAgain = (Date.now() - backAt) / 1000;
    const group = title;
    const failed = answers.filter(isFailed);
    const counts: Count[] = [
        { group, what: "requests", value: answers.length },
        { group, what: "answers with 503 and Retry-After", value: failed.filter(isClear).length },
        { group, what: "refused or broken connections", value: failed.filter(({ status }) => status === 0).length, goal: 0 },
        { group, what: "other failed requests", value: failed.filter((answer) => answer.status !== 0 && !isClear(answer)).length, goal: 0 },
        {
            group,
            what: "answers after more than 5 s",
            value: answers.filter(({ milliseconds }) => milliseconds > mostMilliseconds).length,
            goal: 0,
        },
        { group, what: "slowest answer, s", value: worst(answers) / 1000, isTime: true },
        { group, what: "time from the stores' return to the start of 3 s without a failure, s", value: servesAgain, isTime: true },
        ...(product === undefined
            ? []
            : [
                  { group, what: "accepted messages", value: ids.length },
                  { group, what: "lost messages (the gateway never received them)", value: product.gateway.lost(ids), goal: 0 },
                  { group, what: "messages not marked as sent after 90 s", value: unsent?.length ?? 0, goal: 0 },
                  { group, what: "messages sent more than once", value: product.gateway.repeated(ids), goal: 0 },
                  {
                      group,
                      what: "time from the stores' return until all messages were sent or the 90 s ended, s",
                      value: sentAgain,
                      isTime: true,
                  },
              ]),
    ];
    return { counts, answers, points: failures(title, answers) };
}

async function firstMessage(address: string): Promise<string> {
    const attack = await Attack.start({
        requests: [write(address)],
        rate: 1,
        seconds: 1,
        keepAlive: false,
    });
    return accepted(await attack.answers())[0] as string;
}

async function takeAway(cluster: Namespace, store: Store, seconds: number): Promise<void> {
    const [kind, pods] = (await cluster.has("statefulset", store))
        ? (["statefulset", `${store}-0`] as const)
        : (["deployment", undefined] as const);
    if (seconds === 0) {
        await cluster.kubectl("delete", "pod", ...(pods === undefined ? ["--selector", `app=${store}`] : [pods]));
    } else {
        await cluster.scale(kind, store, 0);
        await pause(seconds);
        await cluster.scale(kind, store, 1);
    }
    await cluster.kubectl("rollout", "status", `${kind}/${store}`, "--timeout=120s");
}

/** Waits until all requests have succeeded for three seconds, at most `most` seconds. Returns the seconds until the first of them. */
async function secondsUntilServed(address: string, most: number): Promise<number> {
    const start = Date.now();
    let good = Date.now();
    while (Date.now() - start < most * 1000) {
        const signal = AbortSignal.timeout(6000);
        const answer = await post(address, { to: "+8613800138000", text: "prove" }, { signal }).catch(() => undefined);
        if (answer?.status !== 202) {
            good = Date.now();
        }
        if (Date.now() - good > 3000) {
            break;
        }
        await pause(0.2);
    }
    return (good - start) / 1000;
}

function isClear({ status, headers }: Answer): boolean {
    return status === 503 && headers["Retry-After"] !== undefined;
}

function failures(title: string, answers: Answer[]): Point[] {
    return inSpans(answers, 1).map(({ second, answers }) => ({
        panel: title,
        x: second,
        y: (100 * answers.filter(isFailed).length) / answers.length,
    }));
}

export const outageExperiment: Experiment = {
    name: "outages",
    title: "Outages of Redis and MongoDB",
    method: [
        `${rate} requests per second write and read, each on a new connection. Meanwhile the pod of a store is deleted, or the store is scaled to 0 for a minute. If a protection is removed, Redis is scaled to 0 for 8 s.`,
        "Web may answer 503 with Retry-After, which asks the caller to repeat the request. It must answer every request within 5 s. Each accepted message must be sent after the stores have returned.",
    ].join("\n\n"),
    protections: {
        resend_stuck: "no task looks for messages that the broker lost (RESEND_INTERVAL_SECONDS=3600)",
        [lastingReadiness]: "in a copy of the program, a web pod is ready only while both stores answer, as is often recommended",
    },
    origin: "its web Deployment with its own stores. It has no workers, so it does less work: it sends no messages",
    axes: { x: "seconds since the start of the load", y: "failed requests, %" },
    trial,
};
