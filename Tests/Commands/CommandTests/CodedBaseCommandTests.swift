import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

/// What glance-merge says of a base whose layers are stored as codes.
@Suite("glance-merge on layers of codes")
struct CodedBaseCommandTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  private func run(_ command: String, _ arguments: String...) throws -> String {
    let outcome = try BuiltCommand(command).run(arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return outcome.output
  }

  @Test("tells how many keep their codes and how many are stored anew as what")
  func counts() throws {
    let (base, output) = (path("base.safetensors"), path("merged.safetensors"))
    _ = try run(
      "glance-convert", MergeInputs.base, "--output", base, "--encoding", "nvfp4,attn.to_q=int8")
    let all = try SafetensorsFile(opening: folder.path.appending("base.safetensors")).tensors
      .count { $0.name.hasSuffix(".comfy_quant") }
    let part = ["attn.to_q=1", "attn.to_out=1"].joined(separator: ",")
    let arguments = [
      base, "\(MergeInputs.adapter):1,transformer_blocks=0,single_transformer_blocks=0,\(part)",
    ]
    func merge(_ options: String...) throws -> String {
      let outcome = try BuiltCommand("glance-merge").run(
        arguments + options + ["--output", output])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.output
    }
    let planned = try JSONValue(parsing: merge("--dry-run", "--json"))["outputs"]?.array?.first
    let layers = try #require(planned?["coded_layers"])
    let (kept, four, eight) = (
      layers["kept"]?.integer ?? 0, layers["written"]?["nvfp4"]?.integer ?? 0,
      layers["written"]?["int8"]?.integer ?? 0
    )
    #expect(kept > 0 && four > 0 && eight > 0 && kept + four + eight == all)
    let line =
      "\nlayers of codes: \(kept) as they are, \(eight) anew as int8, \(four) anew as nvfp4\n"
    #expect(try merge("--dry-run").hasSuffix(line))
    #expect(try merge().contains(line))
    let written = try JSONValue(parsing: merge("--json", "--force"))["outputs"]?.array?.first
    #expect(written?["coded_layers"] == layers)
    // A base of plain numbers has none.
    let plain = try run(
      "glance-merge", MergeInputs.base, MergeInputs.adapter, "--dry-run", "--json", "--output",
      output,
      "--force")
    #expect(
      try JSONValue(parsing: plain)["outputs"]?.array?.first?["coded_layers"] == .null)
  }
}
