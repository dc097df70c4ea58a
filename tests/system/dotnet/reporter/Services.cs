using Microsoft.AspNetCore.SignalR;

namespace Reporter;

public sealed class Chat : Hub
{
    public string Echo(string text) => text;

    public async IAsyncEnumerable<int> Count(int to)
    {
        for (int number = 1; number <= to; ++number)
        {
            yield return number;
            await Task.Yield();
        }
    }

    public Task Tell(string text) => Clients.All.SendAsync("told", text);
}

public sealed class Ticking(ILogger<Ticking> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        logger.LogInformation("working, and listening to nobody");
        await Task.Delay(Timeout.Infinite, stopping);
    }
}

public sealed class Broken : IHostedService
{
    public Task StartAsync(CancellationToken cancellation) => throw new InvalidOperationException("no database answers");
    public Task StopAsync(CancellationToken cancellation) => Task.CompletedTask;
}
