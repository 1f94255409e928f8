"""Plans the manifests of the folder `webhooks`, and carries the plan out if it is safe."""

import asyncio

import reconciler


async def main() -> None:
    """Prints the plan, and the report of what was done."""
    manifests = reconciler.load("webhooks")
    async with reconciler.open_tenant(manifests) as tenant:
        plan = await tenant.plan()
        print(reconciler.render(plan))
        if not plan.violations:
            report = await tenant.reconcile(plan)
            print(reconciler.render(report))


asyncio.run(main())
