/** The part of GitHub's API that the workflows of this project need. */
import { OperationError } from "./operation";

export interface GitHub {
    /** `https://api.github.com`. */
    readonly api: string;
    /** `owner/name`. */
    readonly repository: string;
    readonly token: string;
}

/** GitHub's address, repository and token from a workflow step's environment. Undefined outside a workflow. */
export function gitHub(): GitHub | undefined {
    const { GITHUB_API_URL: api = "https://api.github.com", GITHUB_REPOSITORY: repository, GITHUB_TOKEN: token } = process.env;
    return repository && token ? { api, repository, token } : undefined;
}

/** Calls the API and returns the parsed response. `path` is relative to the repository. Throws if the status is not 2xx. */
export async function call<T>({ api, repository, token }: GitHub, method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${api}/repos/${repository}/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, accept: "application/vnd.github+json", "content-type": "application/json" },
        body: body && JSON.stringify(body),
    });
    if (!response.ok) {
        throw new OperationError(`GitHub answers ${response.status} to ${method} ${path}: ${await response.text()}`);
    }
    return (await response.json()) as T;
}
