import * as pulumi from "@pulumi/pulumi";
import type { App } from "./app";
import { appJob } from "./appJob";

export interface MigrationArgs {
    /** What web, worker and beat are about to run with. */
    app: App;
    /** For the migration itself. */
    timeoutSeconds: number;
}

/** Until the process runs: the image is mostly there, from the store check. */
const startSeconds = 60;

/**
 * Brings MongoDB up to what this version of the app expects, once for each version, while the one before still serves. Where
 * that fails, `pulumi up` ends with the reason, and the one before goes on.
 */
export class Migration extends pulumi.ComponentResource {
    /** The app, whose version the store is ready for: whoever uses it waits for that. */
    readonly app: App;

    constructor(name: string, { app, timeoutSeconds }: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
        super("sms:migration:Migration", name, {}, opts);

        this.app = appJob(
            name,
            {
                app,
                command: ["python", "-m", "sms.migrate"],
                env: { MIGRATION_TIMEOUT_SECONDS: `${timeoutSeconds}` },
                timeoutSeconds: timeoutSeconds + startSeconds,
            },
            { parent: this },
        );
        this.registerOutputs();
    }
}
