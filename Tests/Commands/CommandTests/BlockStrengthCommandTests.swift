import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Strengths by block, of glance-merge")
struct BlockStrengthCommandTests {
  private let folder: TemporaryFolder
  private let command = BuiltCommand("glance-merge")

  init() throws { folder = try TemporaryFolder() }

  private func path(_ name: String) -> String { folder.path.appending(name).string }

  /// What a bake in float32 adds to every tensor that changes.
  private func changes(
    _ name: String, _ arguments: String..., base: String = MergeInputs.base
  ) throws -> [String: [Float]] {
    let outcome = try command.run(
      [base] + arguments + ["--dtype", "f32", "--output", path(name + ".safetensors")])
    #expect(outcome.status == 0, "\(arguments): \(outcome.errors)")
    let before = try SafetensorsFile(opening: FilePath(base))
    let after = try SafetensorsFile(opening: FilePath(path(name + ".safetensors")))
    var found: [String: [Float]] = [:]
    for tensor in before.tensors {
      let change = zip(try after.tensor(named: tensor.name).floats(), tensor.floats()).map(-)
      if change.contains(where: { $0 != 0 }) { found[tensor.name] = change }
    }
    return found
  }

  private func blocks(of adapter: JSONValue) -> [String]? {
    adapter["blocks"]?.object?.members.map { "\($0.key) \($0.value.double ?? .nan)" }
  }

  @Test("multiply the adapter's, by any of a block's names, and are told in the header")
  func baked() throws {
    let full = try changes("full", MergeInputs.adapter)
    let rules = "double_blocks.0-7.attn.to_q=0.5,single_blocks=0,single_transformer_blocks.1=2"
    let found = try changes("a", MergeInputs.adapter + ":0.5," + rules)
    var kinds = Set<Float>()
    for (name, change) in full {
      let factor: Float =
        name.contains("single_transformer_blocks")
        ? name.contains(".1.") ? 1 : 0
        : name.contains("double_blocks") || name.contains("attn.to_q") ? 0.25 : 0.5
      kinds.insert(factor)
      guard factor != 0 else {
        #expect(found[name] == nil, "\(name)")
        continue
      }
      // Sums in float32 of weights and changes of a hundredth of them: 2^-24 / 1e-2.
      #expect(
        relativeError(try #require(found[name]), change.map { $0 * factor }) < 1e-5, "\(name)")
    }
    #expect(kinds == [0, 0.25, 0.5, 1])
    // For every adapter likewise, and under the canonical names.
    let shared = try changes(
      "b", MergeInputs.adapter, "--scale",
      "0.5,transformer_blocks.attn.to_q=0.5,single=0,single.1=2")
    #expect(shared == found)
    let metadata = try SafetensorsFile(opening: FilePath(path("a.safetensors"))).metadata
    let receipt = try JSONValue(parsing: try #require(metadata["glance.merged"]))
    let merged = try #require(receipt.array?.first)
    #expect(merged["strength"]?.double == 0.5)
    #expect(
      blocks(of: merged) == [
        "double_blocks.0-7.attn.to_q 0.5", "single_blocks 0.0", "single_transformer_blocks.1 2.0",
      ])
  }

  @Test("are in --json of a plan and of what was done")
  func json() throws {
    let arguments = [
      MergeInputs.base, MergeInputs.adapter + ":double=0.5", MergeInputs.adapter, "--json",
      "--output", path("m.safetensors"),
    ]
    for more in [["--dry-run"], []] {
      let outcome = try command.run(arguments + more)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let outputs = try JSONValue(parsing: outcome.output)["outputs"]
      let adapters = try #require(outputs?.array?.first?["adapters"]?.array)
      #expect(adapters.map { blocks(of: $0) } == [["double 0.5"], []])
      #expect(adapters.map { $0["strength"]?.double } == [1, 1])
    }
  }

  @Test("make adapters of some blocks")
  func adapters() throws {
    let outcome = try command.run([
      "--mode", "adapter", MergeInputs.adapter + ":0.5,transformer_blocks=0,single_blocks.0=2",
      "--output", path("single.safetensors"),
    ])
    #expect(outcome.status == 0, "\(outcome.errors)")
    let single = try SafetensorsFile(opening: FilePath(path("single.safetensors")))
    #expect(single.tensors.allSatisfy { !$0.name.contains("transformer.transformer_blocks") })
    let found = try changes("a", path("single.safetensors"))
    let expected = try changes(
      "b", MergeInputs.adapter + ":0.5,transformer_blocks=0,single_blocks.0=2")
    #expect(found.keys.sorted() == expected.keys.sorted() && !found.isEmpty)
    for (name, change) in expected {
      // Powers of two are exact in B.
      #expect(found[name] == change, "\(name)")
    }
  }

  @Test("are refused where no adapter is merged")
  func withoutAdapters() throws {
    for arguments in [
      ["--mode", "split", MergeInputs.adapter, "--output", path("never")],
      [MergeInputs.base, "--undo", MergeInputs.adapter, "--output", path("never.safetensors")],
      [MergeInputs.base, "--extract", MergeInputs.base, "--output", path("never.safetensors")],
    ] {
      let outcome = try command.run(arguments + ["--scale", "double=0"])
      #expect(outcome.status == 64)
      #expect(
        outcome.errors.contains(
          "--scale is the strength of adapters that are merged; none is here."),
        "\(outcome.errors)")
    }
  }

  @Test("for no module are refused, with the blocks that there are")
  func refusals() throws {
    for arguments in [
      [MergeInputs.adapter + ":double=1,triple=1"], [MergeInputs.adapter, "--scale", "triple=1"],
    ] {
      let outcome = try command.run(
        [MergeInputs.base] + arguments + ["--output", path("never.safetensors")])
      #expect(outcome.status == 64)
      #expect(
        outcome.errors.contains(
          "the strength of 'triple' is for no module that is changed; there are "
            + "single_transformer_blocks.0-3 (or single_blocks, single); transformer_blocks.0-1 "
            + "(or double_blocks, double)\n"))
      #expect(outcome.errors.contains("(or double_blocks, double)"))
    }
    let own = try command.run([
      MergeInputs.base, MergeInputs.adapter + ":double=1", "--scale", "single=1", "--output",
      path("never.safetensors"),
    ])
    #expect(own.status == 64)
    #expect(own.errors.contains("--scale: the strength of 'single' is for no adapter"))
    #expect(TemporaryFolder.names(in: folder.path).isEmpty)
  }
}
