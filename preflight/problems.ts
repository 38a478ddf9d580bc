import { RunError } from "@pulumi/pulumi";

/** A reason why an `up` can't begin. */
export interface Obstacle {
    readonly message: string;
    /** How to remove the obstacle. */
    readonly fix: string;
}

/** One error with all obstacles. Pulumi shows a RunError's message without a stack trace. */
export class PreflightError extends RunError {
    constructor(
        stack: string,
        readonly obstacles: readonly Obstacle[],
    ) {
        const count = `${obstacles.length} ${obstacles.length === 1 ? "obstacle" : "obstacles"}`;
        super(`${count} in the way of stack ${stack}; nothing was changed:\n\n${listed(obstacles)}`);
        this.name = "PreflightError";
    }
}

export function listed(obstacles: readonly Obstacle[]): string {
    return obstacles.map(({ message, fix }) => `  ${message}\n      ${fix}\n`).join("\n");
}
