import { killContainer, pause } from "../cluster";
import type { Experiment, Form, Side, Stage } from "../experiment";
import { Attack, accepted, isFailed, writes } from "../load";
import { type Product, workerReplicas } from "../product";

const worker = "sms-worker";

interface Sizes {
    messages: number;
    rate: number;
    /** The time between two disturbances. */
    secondsBetween: number;
    /** The time after the last message in which lost messages must be found and sent again. */
    settleSeconds: number;
    /** Used when a protection is removed. */
    fewer: { messages: number; settleSeconds: number };
}

const sizes: Record<Form, Sizes> = {
    full: { messages: 10_000, rate: 60, secondsBetween: 6, settleSeconds: 300, fewer: { messages: 2000, settleSeconds: 40 } },
    short: { messages: 200, rate: 20, secondsBetween: 3, settleSeconds: 90, fewer: { messages: 200, settleSeconds: 40 } },
};

type Trouble = "killed" | "rolled" | "scaled";

/** The disturbances of the workers, in this order, repeated. */
const troubles: readonly Trouble[] = ["killed", "killed", "rolled", "scaled"];

async function make(trouble: Trouble, { cluster }: Product, round: number): Promise<void> {
    switch (trouble) {
        case "killed":
            return killOne(cluster);
        case "rolled":
            await cluster.kubectl("rollout", "restart", `deployment/${worker}`);
            return;
        case "scaled":
            return cluster.scale("deployment", worker, round % 2 === 0 ? 4 : 1);
    }
}

/** Kills one worker. The second time it also deletes the pod, because Kubernetes delays repeated restarts by minutes. */
async function killOne(cluster: Product["cluster"]): Promise<void> {
    const pods = await cluster.livingPods(worker);
    const pod = pods[Math.floor(Math.random() * pods.length)];
    const container = pod?.status.containerStatuses?.[0];
    if (pod === undefined || container === undefined) {
        return;
    }
    killContainer(container);
    if (container.restartCount > 0) {
        await cluster.kubectl("delete", "pod", pod.metadata.name, "--grace-period=0", "--force", "--wait=false");
    }
}

async function trial(stage: Stage, side: Side, form: Form) {
    const product = await stage.product();
    const { rate, secondsBetween, fewer, ...most } = sizes[form];
    const { messages, settleSeconds } = side.kind === "ours" ? most : fewer;
    const restore = side.kind === "without" ? await takeOut(product, side.protection) : undefined;
    try {
        const attack = await Attack.start({
            requests: writes(product.address),
            rate,
            seconds: messages / rate,
            keepAlive: true,
        });
        const times = { killed: 0, rolled: 0, scaled: 0 };
        const end = Date.now() + (messages / rate) * 1000;
        for (let i = 0; Date.now() < end; i++) {
            const trouble = troubles[i % troubles.length] as Trouble;
            await make(trouble, product, Math.floor(i / troubles.length));
            times[trouble] += 1;
            await pause(secondsBetween);
        }
        const answers = await attack.answers();
        await product.cluster.scale("deployment", worker, workerReplicas);
        await product.cluster.rolledOut(worker);
        const ids = accepted(answers);
        const unsent = await product.unsent(ids, settleSeconds);
        const group = "";
        return {
            counts: [
                ...Object.entries(times).map(([trouble, value]) => ({ group, what: `times that workers were ${trouble}`, value })),
                { group, what: "accepted messages", value: ids.length },
                { group, what: "refused by the web", value: answers.filter(isFailed).length, goal: 0 },
                { group, what: "lost: never reached the gateway", value: product.gateway.lost(ids), goal: 0 },
                { group, what: "not noted as sent in the end", value: unsent.length, goal: 0 },
                { group, what: "sent twice or more", value: product.gateway.repeated(ids), goal: 0 },
            ],
        };
    } finally {
        await restore?.();
    }
}

async function takeOut(product: Product, protection: string): Promise<() => Promise<void>> {
    if (protection === question) {
        product.gateway.tellsWhatItTook = false;
        return async () => {
            product.gateway.tellsWhatItTook = true;
        };
    }
    const change = edits[protection];
    if (change === undefined) {
        throw new Error(`messages has no protection ${protection}`);
    }
    product.stack.edit(change.file, change.edit);
    await product.up();
    return async () => {
        product.stack.restore(change.file);
        await product.up();
    };
}

const question = "the gateway's records";

/** Changes to the copy of the program, by protection. */
const edits: Record<string, { file: string; edit: (code: string) => string }> = {
    "late acks and resend_stuck": {
        file: "app/sms/celery.py",
        edit: (code) =>
            code
                .replace('"task_acks_late": True', '"task_acks_late": False')
                .replaceAll("settings.resend_interval_seconds", "3600")
                .replace('"worker_prefetch_multiplier": 1', '"worker_prefetch_multiplier": 4'),
    },
};

export const messages: Experiment = {
    name: "messages",
    title: "Messages while workers are killed, rolled and scaled",
    method: "Messages are posted at a steady rate while workers get SIGKILL, roll, and are scaled up and down in turn. The SMS gateway is a program of the experiment's own that speaks Alibaba Cloud's SendSms and counts how often it took each message: a message is lost if the web accepted it and the gateway never got it.",
    protections: {
        "late acks and resend_stuck":
            "in the copy of the program: acknowledged when received, four tasks prefetched a thread, and nobody looks for what got lost, as by Celery's defaults",
        [question]:
            "the gateway doesn't tell what it took before (QuerySendDetails is refused), so what a killed worker left behind is sent again",
    },
    trial,
};
