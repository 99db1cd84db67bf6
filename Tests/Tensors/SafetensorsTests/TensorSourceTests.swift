import JSON
import Safetensors
import SystemPackage
import Tensors
import TestSupport
import Testing

@Suite("Opening a checkpoint of one or several files")
struct TensorSourceTests {
  let folder: TemporaryFolder
  let shards = ["m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors"]
  var index: FilePath { folder.path.appending("m.safetensors.index.json") }

  init() throws { folder = try TemporaryFolder() }

  private func write(
    _ tensors: [String], metadata: Metadata = [], to name: String
  ) throws {
    let views = tensors.map { TensorView(name: $0, shape: [1], [Float($0.utf8.count)]) }
    try writeSafetensors(
      views, metadata: metadata, to: folder.path.appending(name), overwrite: true)
  }

  /// Two shards with tensors a, b and c, and an index with that map.
  private func writeShards(
    index map: JSONObject = ["a": "1", "b": "1", "c": "2"], totalSize: JSONValue = 12
  ) throws {
    try write(["a", "b"], metadata: [("format", "pt"), ("k", "1")], to: shards[0])
    try write(["c"], metadata: [("format", "pt"), ("k", "2"), ("l", "3")], to: shards[1])
    let members = map.members.map { member in
      let shard = member.value.string.flatMap { Int($0) }.map { shards[$0 - 1] }
      return JSONObject.Member(key: member.key, value: shard.map { .string($0) } ?? member.value)
    }
    let document: JSONValue = [
      "metadata": ["total_size": totalSize], "weight_map": .object(JSONObject(members)),
    ]
    try folder.write(Array(document.text().utf8), to: "m.safetensors.index.json")
  }

  private func fault(_ map: JSONObject) throws -> IndexFault? {
    try writeShards(index: map)
    do {
      _ = try TensorSource(opening: index)
    } catch SafetensorsError.malformedIndex(index, let fault) {
      return fault
    }
    return nil
  }

  @Test func shardsOfAnIndexAreOneSource() throws {
    try writeShards()
    for path in [index, folder.path] {
      let source = try TensorSource(opening: path)
      #expect(source.tensors.map(\.name) == ["a", "b", "c"])
      #expect(source.index == index)
      #expect(source.path == path)
      #expect(source.files.map(\.lastComponent?.string) == shards)
      #expect(try source.tensor(named: "c").file == folder.path.appending(shards[1]))
      #expect(source.find("d") == nil)
      #expect(source.byteCount == 12)
      #expect(source.metadata.map { "\($0.key)=\($0.value)" } == ["format=pt", "k=1", "l=3"])
      #expect(source.problems == ["metadata 'k' differs between shards; the first is taken"])
    }
  }

  @Test func wrongTotalSizeIsAProblemNotAnError() throws {
    try writeShards(totalSize: 1_000_000_000_000_000)
    let problems = try TensorSource(opening: index).problems
    #expect(problems.contains { $0.contains("total_size 1000000000000000") })
  }

  @Test func shardsMustBeAsTheIndexSays() throws {
    let missing = "m-00003-of-00003.safetensors"
    #expect(
      try fault(["a": "1", "b": "2", "c": "2"])
        == .tensorNotInShard(tensor: "b", shard: shards[1], found: shards[0]))
    #expect(
      try fault(["a": "1", "b": "1", "c": "2", "d": "2"])
        == .tensorNotInShard(tensor: "d", shard: shards[1], found: nil))
    #expect(try fault(["a": "1", "c": "2"]) == .tensorNotInIndex(tensor: "b", shard: shards[0]))
    #expect(
      try fault(["a": "1", "b": "1", "c": .string(missing)]) == .missingShard(missing))
    #expect(try fault([:]) == .emptyWeightMap)
    #expect(try fault(["a": 1]) == .shardNotText(tensor: "a"))
    #expect(try fault(["a": .null]) == .shardNotText(tensor: "a"))
  }

  @Test(
    arguments: [
      "/etc/x.safetensors", "../m-00001-of-00002.safetensors", "sub/x.safetensors",
      "..\\x.safetensors", "x.safetensors\u{0}", "x\u{0}.safetensors", ".safetensors",
      "x.safetensors.index.json", "", "..",
    ])
  func shardNamesMustStayInTheFolder(name: String) throws {
    #expect(
      try fault(["a": .string(name)]) == .unsafeShardName(tensor: "a", shard: name))
  }

  @Test func theIndexOfPicklesIsNamed() throws {
    #expect(try fault(["a": "x.bin"]) == .pickledShard("x.bin"))
    #expect(
      IndexFault.pickledShard("x.bin").description
        == "the index of PyTorch files such as 'x.bin': a PyTorch pickle, which can run code when "
        + "read and is never opened here; convert it to safetensors where you trust it")
  }

  @Test func anIndexOfOtherShardsIsStale() throws {
    try writeShards()
    let other = #"{"weight_map":{"a":"m-00001-of-00004.safetensors"}}"#
    try folder.write(Array(other.utf8), to: "m.safetensors.index.json")
    let error = #expect(throws: SafetensorsError.self) {
      _ = try TensorSource(opening: folder.path)
    }
    #expect(
      error?.description
        == "\(index): shard 'm-00001-of-00004.safetensors' is missing, but beside this index lies a "
        + "complete checkpoint (\(shards[0]), \(shards[1])): the index is stale; without it the "
        + "checkpoint is read, so remove or rename the index")
    folder.remove("m.safetensors.index.json")
    #expect(try TensorSource(opening: folder.path).tensors.map(\.name) == ["a", "b", "c"])
  }

  @Test func oneShardStandsForAll() throws {
    try writeShards()
    let second = folder.path.appending(shards[1])
    var source = try TensorSource(opening: second)
    #expect(source.tensors.map(\.name) == ["a", "b", "c"])
    #expect(
      source.problems.first
        == "shard 2 of 2, read together with the others (m.safetensors.index.json)")
    folder.remove("m.safetensors.index.json")
    source = try TensorSource(opening: second)
    #expect(source.tensors.map(\.name) == ["a", "b", "c"])
    #expect(
      source.problems.first == "shard 2 of 2, read together with the others, without an index")
    folder.remove(shards[0])
    let error = #expect(throws: SafetensorsError.self) { _ = try TensorSource(opening: second) }
    #expect(
      error
        == .partOfCheckpoint(file: second, number: 2, count: 2, missing: [shards[0]]))
    #expect(
      error?.description
        == "\(second): part 2 of 2 of a checkpoint, and \(shards[0]) is not beside it; put all parts "
        + "into one folder and name that")
  }

  @Test(
    "folders of other formats are named",
    arguments: [
      (
        ["w-00001-of-00002.bin", "w.bin.index.json"],
        "w-00001-of-00002.bin: a PyTorch pickle, which can run code when read and is never opened "
          + "here; convert it to safetensors where you trust it"
      ), (["m.gguf"], "m.gguf; name the GGUF file itself"),
    ])
  func otherFormats(names: [String], advice: String) throws {
    for name in names { try folder.write([], to: name) }
    let error = #expect(throws: SafetensorsError.self) {
      _ = try TensorSource(opening: folder.path)
    }
    #expect(
      error?.description == "\(folder.path): no safetensors file in this folder, but \(advice)")
  }

  @Test(
    "other documents are named",
    arguments: [
      (
        "model_index.json",
        #"{"_class_name": "FluxPipeline", "vae": ["diffusers", "AutoencoderKL"]}"#,
        "the index of a diffusers pipeline, FluxPipeline; name its folder"
      ),
      (
        "config.json", #"{"_class_name": "AutoencoderKL"}"#,
        "a diffusers configuration of AutoencoderKL, no weights and no index of shards; name the "
          + "folder"
      ),
      (
        "config.json", #"{"architectures": ["T5EncoderModel"]}"#,
        "a transformers configuration of T5EncoderModel, no weights and no index of shards; name "
          + "the folder"
      ),
      (
        "vocab.json", #"{"a": 0, "b": 1}"#,
        "a tokenizer's vocabulary of 2 tokens, no weights and no index of shards; name the folder"
      ),
      (
        "tokenizer.json", #"{"model": {"type": "BPE"}}"#,
        "a tokenizer (BPE), no weights and no index of shards; name the folder"
      ),
      (
        "adapter_config.json", #"{"peft_type": "LORA"}"#,
        "PEFT's configuration of an adapter; name adapter_model.safetensors beside it"
      ),
      (
        "x.json", "[1]", "a JSON document, expected weights or an index of shards with 'weight_map'"
      ),
    ])
  func otherDocuments(name: String, text: String, what: String) throws {
    let path = try folder.write(Array(text.utf8), to: name)
    let error = #expect(throws: SafetensorsError.self) { _ = try TensorSource(opening: path) }
    #expect(error?.description == "\(path): \(what)")
  }

  @Test func tensorGivenTwiceInTheIndexIsRefused() throws {
    try writeShards()
    let text = "{\"weight_map\":{\"a\":\"\(shards[0])\",\"\\u0061\":\"\(shards[1])\"}}"
    try folder.write(Array(text.utf8), to: "m.safetensors.index.json")
    let error = #expect(throws: SafetensorsError.self) { _ = try TensorSource(opening: index) }
    guard case .malformedIndex(_, .json(let reason)) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.fault == .duplicateKey("a"))
  }

  @Test func tensorInTwoShardsIsRefused() throws {
    try writeShards()
    try write(["c", "a"], to: shards[1])
    #expect(
      throws: SafetensorsError.malformedIndex(
        file: index, fault: .tensorNotInIndex(tensor: "a", shard: shards[1]))
    ) { _ = try TensorSource(opening: index) }
  }

  @Test func damagedShardIsNamed() throws {
    try writeShards()
    try folder.write([], to: shards[1])
    #expect(
      throws: SafetensorsError.tooShort(file: folder.path.appending(shards[1]), byteCount: 0)
    ) { _ = try TensorSource(opening: index) }
  }

  @Test func shardsWithoutAnIndexMustBeComplete() throws {
    try write(["a"], to: "m-00001-of-00003.safetensors")
    try write(["b"], to: "m-00003-of-00003.safetensors")
    #expect(
      throws: SafetensorsError.missingShards(
        folder: folder.path, names: ["m-00002-of-00003.safetensors"])
    ) { _ = try TensorSource(opening: folder.path) }
    try write(["c"], to: "m-00002-of-00003.safetensors")
    let source = try TensorSource(opening: folder.path)
    #expect(source.tensors.map(\.name) == ["a", "c", "b"])
    #expect(source.problems == ["shards without an index"])
    try write(["a"], to: "m-00002-of-00003.safetensors")
    expectRefusal(
      TensorError.self,
      saying:
        "tensor 'a' is in several shards (m-00001-of-00003.safetensors, m-00002-of-00003.safetensors)"
    ) { try TensorSource(opening: folder.path) }
  }

  @Test(
    arguments: [
      (["m.safetensors"], nil, ["m.safetensors"]),
      (["m.safetensors", "m.fp16.safetensors"], nil, ["m.safetensors"]),
      (["m.safetensors", "m.fp16.safetensors"], "fp16", ["m.fp16.safetensors"]),
      (["m.fp16.safetensors"], nil, ["m.fp16.safetensors"]),
      (["flux1.0-dev.safetensors", "ae.json"], nil, ["flux1.0-dev.safetensors"]),
      (
        ["m.safetensors", "m.fp16-00001-of-00001.safetensors"], "fp16",
        ["m.fp16-00001-of-00001.safetensors"]
      ),
      (["m.fp16.safetensors", "m.bf16.safetensors"], nil, nil),
      (["a.safetensors", "b.safetensors"], nil, nil),
      (["m.safetensors"], "fp16", nil), ([".m.safetensors"], nil, nil),
    ] as [([String], String?, [String]?)])
  func folderWithoutAnIndex(names: [String], variant: String?, expected: [String]?) throws {
    for name in names { try write(["w"], to: name) }
    do {
      let source = try TensorSource(opening: folder.path, variant: variant)
      #expect(source.files.map { $0.lastComponent?.string ?? "" } == expected)
    } catch {
      #expect(expected == nil, "\(error)")
      switch error {
      case SafetensorsError.noCheckpoint, SafetensorsError.severalCheckpoints: break
      default: Issue.record("\(error)")
      }
    }
  }

  @Test func indexOfAVariantIsFound() throws {
    try writeShards()
    let text = try contents(of: index)
    try folder.write(text, to: "m.safetensors.index.fp16.json")
    #expect(try TensorSource(opening: folder.path).index == index)
    #expect(
      try TensorSource(opening: folder.path, variant: "fp16").index
        == folder.path.appending("m.safetensors.index.fp16.json"))
  }

  @Test func shippedModelsOpen() throws {
    let path = Fixtures.model("tiny-flux").appending("transformer")
    let source = try TensorSource(opening: path)
    #expect(source.find("x_embedder.weight") != nil)
    #expect(source.problems == [])
  }
}
