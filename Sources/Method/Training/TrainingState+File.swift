internal import Compute
internal import Elements
internal import Failures
internal import Files
internal import JSON
internal import Safetensors
public import SystemPackage
internal import Tensors

/// A state as a safetensors file: for every module the tensors `<module>.A` and `<module>.B`, their
/// moments with `.first` and `.second` behind, and `stepCounts` `[modules, 2]`; in the metadata
/// `glance.state` (version), `step`, `settings` (JSON), `arithmetic`
/// (names joined by `; `), `sha256` of the tensors' bytes and, of a state that outlives its run, `kept`.
extension TrainingState {
  private static let version = "1"

  /// Writes the state, whole or not at all.
  ///
  /// - Parameters:
  ///   - file: where to.
  ///   - isKept: whether it says of itself that it stays when the run is finished.
  /// - Throws: `TrainingError.cannotSave`.
  public func write(to file: FilePath, isKept: Bool = false) throws {
    let parts = parts
    do {
      let writer = try SafetensorsWriter(
        creating: file,
        tensors: parts.map {
          TensorDescription(name: $0.name, dtype: $0.dtype, shape: $0.shape)
        },
        metadata: [
          ("glance.state", Self.version), ("step", String(step)),
          ("settings", JSONValue.object(settings).text()),
          ("arithmetic", arithmetic.joined(separator: "; ")),
          ("sha256", Self.digest(of: parts.lazy.map { $0.tensor() })),
        ] + (isKept ? [("kept", "true")] : []),
        overwrite: true)
      for (index, part) in parts.enumerated() {
        try writer.write(part.tensor().bytes, tensor: index)
      }
      try writer.commit()
    } catch {
      throw TrainingError.cannotSave(
        file: file, detail: Self.detail(of: error, file),
        kind: (error as? any ClassifiedError)?.failureKind ?? .inputOutput)
    }
  }

  /// Whether a file is a state that stays when the run is finished.
  static func isKept(_ file: FilePath) -> Bool {
    (try? SafetensorsFile(opening: file).metadata["kept"]) == "true"
  }

  /// Reads a state and checks that it is whole and belongs to a run with these settings.
  ///
  /// - Parameters:
  ///   - file: what ``write(to:)`` wrote.
  ///   - start: the state at which the run started; it says which factors there must be.
  /// - Throws: when the state is damaged or belongs to a run with other settings.
  public init(reading file: FilePath, start: TrainingState) throws {
    let source: SafetensorsFile
    do { source = try SafetensorsFile(opening: file) } catch {
      throw TrainingError.damagedState(file: file, detail: Self.detail(of: error, file))
    }
    let metadata = source.metadata
    guard metadata["glance.state"] == Self.version, let step = metadata["step"].flatMap(Int.init),
      step >= 0, let settings = metadata["settings"].flatMap({ try? JSONValue(parsing: $0).object })
    else {
      throw TrainingError.damagedState(file: file, detail: "expected a training state of version 1")
    }
    try start.expect(settings, in: file)
    let expected = start.parts
    guard source.tensors.count == expected.count,
      zip(source.tensors, expected).allSatisfy({
        $0.name == $1.name && $0.dtype == $1.dtype && $0.shape == $1.shape
      })
    else {
      throw TrainingError.damagedState(
        file: file, detail: "its tensors are not those of this adapter")
    }
    guard metadata["sha256"] == Self.digest(of: source.tensors) else {
      throw TrainingError.damagedState(
        file: file, detail: "its contents don't have the digest it names")
    }
    guard let counts = source.tensors.last,
      (0..<counts.elementCount).allSatisfy({ 0...step ~= counts.integer(at: $0) })
    else {
      throw TrainingError.damagedState(
        file: file, detail: "expected moments of at most \(step) steps")
    }
    self = start
    self.step = step
    arithmetic = (metadata["arithmetic"] ?? "").split(separator: "; ").map(String.init)
    load(source.tensors)
  }

  /// What an error says of a file, without the file's name.
  private static func detail(of error: any Error, _ file: FilePath) -> String {
    let (text, prefix) = ("\(error)", "\(file): ")
    return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
  }

  /// Refuses settings that are not this state's, naming the first that differs.
  private func expect(_ saved: JSONObject, in file: FilePath) throws {
    for key in settings.members.map(\.key) + saved.members.map(\.key)
    where saved[key] != settings[key] {
      throw TrainingError.settingsDiffer(
        file: file, key: key, saved: saved[key]?.text() ?? "absent",
        asked: settings[key]?.text() ?? "absent")
    }
  }

  private static func digest(of tensors: some Sequence<TensorView>) -> String {
    var digest = SHA256()
    for tensor in tensors { digest.update(tensor.bytes) }
    return digest.hexadecimal()
  }

  /// A tensor of the file, which is copied into bytes when it is asked for: of a large adapter all at once
  /// would take as much memory again as the state.
  private struct Part {
    let name: String
    let dtype: DType
    let shape: [Int]
    let tensor: () -> TensorView

    init(_ name: String, _ value: Tensor) {
      (self.name, dtype, shape) = (name, .f32, value.shape)
      tensor = { TensorView(name: name, shape: value.shape, value.floats) }
    }

    init(_ name: String, _ pairs: [[Int]]) {
      let shape = [pairs.count, 2]
      (self.name, dtype, self.shape) = (name, .i64, shape)
      tensor = {
        let integers = pairs.joined().map { Int64($0).littleEndian }
        return unsafe TensorView(
          name: name, dtype: .i64, shape: shape, copying: integers.span.bytes)
      }
    }
  }

  /// The tensors of the file, in its order.
  private var parts: [Part] {
    var parts: [Part] = []
    for (module, moments) in zip(adapter.modules, optimiser.moments) {
      for (suffix, value, moments) in [
        ("A", module.down, moments.down), ("B", module.up, moments.up),
      ] {
        let name = module.name + "." + suffix
        parts.append(Part(name, value))
        parts.append(Part(name + ".first", moments.first))
        parts.append(Part(name + ".second", moments.second))
      }
    }
    parts.append(
      Part("stepCounts", optimiser.moments.map { [$0.down.stepCount, $0.up.stepCount] }))
    return parts
  }

  /// Takes the values of tensors in the order of ``parts``.
  private mutating func load(_ tensors: [TensorView]) {
    var next = tensors.makeIterator()
    func tensor(like old: Tensor) -> Tensor {
      Tensor(shape: old.shape, next.next()?.floats() ?? [])
    }
    for index in adapter.modules.indices {
      adapter.modules[index].down = tensor(like: adapter.modules[index].down)
      optimiser.moments[index].down.first = tensor(like: optimiser.moments[index].down.first)
      optimiser.moments[index].down.second = tensor(like: optimiser.moments[index].down.second)
      adapter.modules[index].up = tensor(like: adapter.modules[index].up)
      optimiser.moments[index].up.first = tensor(like: optimiser.moments[index].up.first)
      optimiser.moments[index].up.second = tensor(like: optimiser.moments[index].up.second)
    }
    guard let stepCounts = next.next() else { return }
    for index in optimiser.moments.indices {
      optimiser.moments[index].down.stepCount = stepCounts.integer(at: 2 * index)
      optimiser.moments[index].up.stepCount = stepCounts.integer(at: 2 * index + 1)
    }
  }
}

extension TensorView {
  /// An element of an I64 tensor.
  fileprivate func integer(at index: Int) -> Int {
    let bytes = bytes
    return Int(
      Int64(
        littleEndian: unsafe bytes.unsafeLoadUnaligned(
          fromByteOffset: 8 * index, as: Int64.self)))
  }
}
