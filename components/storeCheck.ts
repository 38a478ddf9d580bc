import * as pulumi from "@pulumi/pulumi";
import type { App } from "./app";
import { appJob } from "./appJob";

export interface StoreCheckArgs {
    /** What web, worker and beat are about to run with. */
    app: App;
    /** To pull the image and to find out; the check itself takes seconds. */
    timeoutSeconds: number;
}

/**
 * Opens Redis and MongoDB from inside the cluster, as the workloads will: with their image and the real URLs. Where one can't
 * be used, `pulumi up` ends with the reason before any workload changes.
 */
export class StoreCheck extends pulumi.ComponentResource {
    /** The app, with an environment that was found to open both stores: whoever uses it waits for that. */
    readonly app: App;

    constructor(name: string, args: StoreCheckArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:storeCheck:StoreCheck", name, {}, opts);

        const command = [
            ...["python", "-m", "sms.check_stores"],
            ...["--redis-url-from", "sms:redisUrl (or sms:redisPassword)"],
            ...["--mongo-url-from", "sms:mongoUrl (or sms:mongoPassword)"],
        ];

        this.app = appJob(name, { ...args, command }, { parent: this });
        this.registerOutputs();
    }
}
