internal import Checkpoints
internal import Containers
internal import Elements
internal import Files
internal import JSON
internal import Rewriting
internal import Safetensors
internal import SystemPackage
internal import Tensors

#if canImport(Glibc)
  internal import Glibc
#endif

/// What merges of one base for several phases have in common, so that it is stored once: tensors
/// that none of them changes are in a shard of their own, which the later outputs link to.
final class SharedTensors {
  /// The output whose other components are linked; nil before the first is written.
  private(set) var components: FilePath?
  /// Digest of the base's tensors, which the later outputs don't read all of.
  private var baseDigest: String?
  /// The file with the tensors that no merge changes.
  private var sharedFile: FilePath?

  /// Names of the two files.
  private static func names(base: String) -> [String] {
    (1...2).map { "\(base)-0000\($0)-of-00002.safetensors" }
  }

  /// Writes the files of a merge into a folder that exists.
  func write(
    _ bake: Bake, _ maker: BakeMaker, into folder: FilePath,
    _ progress: @escaping @Sendable (Int) throws -> Void
  ) throws -> [CastLoss] {
    let plan = bake.plan.conversion
    guard case .folder(let base) = plan.destination else {
      preconditionFailure("only a component's folder is shared")
    }
    let isShared = bake.plan.isShared
    let names = Self.names(base: base)
    if let configuration = plan.configuration {
      let document = Array((JSONValue.object(configuration).text(.pretty) + "\n").utf8)
      try writeAtomically(
        unsafe document.span.bytes, to: folder.appending("config.json"), overwrite: false)
    }
    var losses = Array(repeating: CastLoss(), count: plan.tensors.count)
    for (number, wanted) in [true, false].enumerated() {
      let path = folder.appending(names[number])
      if wanted, let sharedFile, unsafe link(sharedFile.string, path.string) == 0 { continue }
      let chosen = plan.tensors.indices.filter { isShared[$0] == wanted }
      let part = TensorSelection(of: maker, chosen)
      // Only what is changed says what it was made from: the other file serves all phases.
      let completion =
        wanted ? Completion.nothing : bake.completion(maker, baseDigest: baseDigest)
      let writer = try SafetensorsWriter(
        creating: path, tensors: chosen.compactMap { plan.tensors[$0].description },
        metadata: wanted ? Provenance.lasting(plan.metadata) : plan.metadata,
        headerReserve: completion.headerReserve, overwrite: false)
      let found = try part.write(
        to: TensorSink(writer), progress: progress, completion: completion)
      for (index, loss) in zip(chosen, found) { losses[index] = loss }
    }
    try writeIndex(plan, isShared, names, to: folder.appending("\(base).safetensors.index.json"))
    let output = bake.request.output
    if components == nil, case .pipeline = bake.input.form { components = output }
    if sharedFile == nil {
      baseDigest = maker.baseDigest
      let inOutput = components.map { $0.appending("transformer") } ?? output
      sharedFile = inOutput.appending(names[0])
    }
    return losses
  }

  private func writeIndex(
    _ plan: RewritingPlan, _ isShared: [Bool], _ names: [String], to path: FilePath
  ) throws {
    let map = zip(plan.tensors, isShared).map { tensor, isShared in
      JSONObject.Member(key: tensor.name, value: .string(names[isShared ? 0 : 1]))
    }
    let index: JSONValue = [
      "metadata": ["total_size": .integer(Int64(plan.byteCount))],
      "weight_map": .object(JSONObject(map)),
    ]
    let text = Array((index.text(.pretty) + "\n").utf8)
    try writeAtomically(unsafe text.span.bytes, to: path, overwrite: false)
  }
}

/// Some of the tensors that a maker makes.
private struct TensorSelection: TensorMaker {
  let tensors: [PlannedTensor]
  private let maker: BakeMaker
  private let indices: [Int]

  init(of maker: BakeMaker, _ indices: [Int]) {
    self.maker = maker
    self.indices = indices
    tensors = maker.tensors.picking(indices)
  }

  func make(
    _ elements: Range<Int>, of index: Int, into output: inout MutableRawSpan
  ) throws -> CastLoss {
    try maker.make(elements, of: indices[index], into: &output)
  }

  func bytesInPlace(
    _ elements: Range<Int>, of index: Int
  ) -> (tensor: TensorView, range: Range<Int>)? {
    maker.bytesInPlace(elements, of: indices[index])
  }

  func wrote(_ elements: Range<Int>, of index: Int) throws {
    try maker.wrote(elements, of: indices[index])
  }
}
