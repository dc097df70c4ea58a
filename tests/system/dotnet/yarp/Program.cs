// A stock YARP before one endpoint, as a peer of the bench:  yarp PORT BACKEND CERTIFICATE KEY
// It sends the fields that the other peers send.
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Transforms;

var port = int.Parse(args[0]);
var certificate = X509Certificate2.CreateFromPemFile(args[2], args[3]);

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseKestrelHttpsConfiguration().UseQuic();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Any, port, listener =>
{
    listener.Protocols = HttpProtocols.Http1AndHttp2AndHttp3;
    listener.UseHttps(certificate);
}));
builder.Services.AddReverseProxy()
    .LoadFromMemory(
        [new RouteConfig { RouteId = "all", ClusterId = "backend", Match = new RouteMatch { Path = "{**rest}" } }],
        [new ClusterConfig
        {
            ClusterId = "backend",
            Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = $"http://127.0.0.1:{args[1]}/" } },
        }])
    .AddTransforms(transforms =>
    {
        transforms.UseDefaultForwarders = true;
        transforms.AddOriginalHost();
        transforms.AddRequestTransform(context =>
        {
            context.ProxyRequest.Headers.TryAddWithoutValidation("X-Request-Id", context.HttpContext.TraceIdentifier);
            return ValueTask.CompletedTask;
        });
    });

var app = builder.Build();
app.MapReverseProxy();
app.Run();
