import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { inForeground } from "../../cli/foreground";
import { say } from "../../cli/say";
import { codeFolder, copyContainer } from "../../components/liveReload";
import { onPath } from "../../toolchain/commands";
import { built } from "../../toolchain/goModules";
import { kubeconfig, ownContext, state } from "../../toolchain/places";
import { MachineError } from "../../toolchain/progress";
import { kubectl } from "./kubernetes";
import type { Needs, Stack } from "./stack";

/** The setting with which a stack's pods take changed code. */
export const liveReload = { "sms:liveReload": true };

/** The package of the app, in the clone and in the pods. */
const appPackage = "sms";

/**
 * Writes each change of the app's code into the stack's running pods and shows their logs, until Ctrl-C. The stack must be deployed with
 * `liveReload`.
 */
export async function follow(stack: Stack, { context, namespace, app }: Needs): Promise<number> {
    const tilt = await tiltCommand();
    const isOwn = context === ownContext;
    const get = ["--namespace", namespace, "get", "deployments", "--output", "json"];
    const found = isOwn ? await kubectl(...get) : (await execa("kubectl", ["--context", context, ...get])).stdout;
    const { items } = JSON.parse(found) as { items: Deployment[] };
    const deployments = Object.fromEntries(
        items.filter(hasLiveReload).map((deployment) => {
            const { name } = deployment.metadata;
            const file = join(state, `dev-${stack.name}-${name}.json`);
            writeFileSync(file, JSON.stringify(deployment), { mode: 0o600 });
            return [name, file];
        }),
    );
    const dev = {
        context,
        deployments,
        code: join(stack.program, app, appPackage),
        podCode: `${codeFolder}/${appPackage}`,
    };
    say(`
Each change in ${app}/${appPackage} now reaches the running pods: ${Object.keys(deployments).join(", ")}. Ctrl-C ends this.
After that, \`npm run up\` deploys the code as an image again.`);
    return inForeground(
        tilt,
        ["up", "--stream", "--web-mode", "prod", "--file", join(__dirname, "Tiltfile"), "--context", context, "--namespace", namespace],
        {
            cwd: stack.program,
            env: {
                SMS_DEV: JSON.stringify(dev),
                // Tilt keeps the cluster's kubeconfig there. `npm run down` removes it.
                ...Object.fromEntries(["STATE", "DATA", "CACHE"].map((kind) => [`XDG_${kind}_HOME`, join(state, "tilt")])),
                TILT_DEV_DIR: join(state, "tilt"),
                TILT_DISABLE_ANALYTICS: "1",
                ...(isOwn ? { KUBECONFIG: kubeconfig } : {}),
            },
        },
    );
}

interface Deployment {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly template: { readonly spec: { readonly initContainers?: readonly { readonly name: string }[] } } };
}

/** A namespace may have Deployments that are not the stack's. */
function hasLiveReload({ spec: { template } }: Deployment): boolean {
    return template.spec.initContainers?.some(({ name }) => name === copyContainer) ?? false;
}

/** Tilt: the host's, else one built from Go modules. */
async function tiltCommand(): Promise<string> {
    const present = await onPath("tilt");
    if (present !== undefined) {
        return present;
    }
    if ((await onPath("go")) === undefined) {
        throw new MachineError(
            "`npm run dev` needs Tilt: install it (https://docs.tilt.dev/install.html), or Go, from which it is built here.",
        );
    }
    return join(await built("tilt"), "tilt");
}
