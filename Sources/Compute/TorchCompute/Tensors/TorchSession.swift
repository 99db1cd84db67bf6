internal import CTorch
package import Compute
internal import Synchronization

/// A device of a PyTorch that was loaded, and how exact products are there. What it holds is freed by the tensors
/// that refer to it.
@safe package final class TorchSession: @unchecked Sendable {
  /// The loaded library.
  let library: OpaquePointer
  /// The device.
  let device: ct_device
  /// The processor as PyTorch's device, where scalars are.
  private let processor: ct_device
  /// As a person names it.
  let name: String
  /// PyTorch's version.
  let version: String
  /// How exact products with weights and in attention are.
  package let precision: ProductPrecision
  /// The device's memory before anything was there, or what a person lets it be; nil where it isn't known.
  let memoryAtStart: Residency.Memory?
  /// What went to the device and came from it.
  private let counts = Mutex(Crossings())
  /// Tensors that there are.
  private let liveTensors = Atomic<Int>(0)
  /// Bytes of weights that there are.
  private let liveWeights = Atomic<Int>(0)
  /// Where weights are.
  let placement = Mutex(Placement())
  /// What copies of blocks are seen by.
  private let watch: (@Sendable (any BlockCopying) -> any BlockCopying)?
  /// Whether attention is computed in tiles where the device has flash attention, too.
  let tilesAttention: Bool

  /// What crossed between this machine's memory and the device's, weights apart.
  package struct Crossings: Sendable, Equatable {
    /// Tensors that went to the device.
    package var uploads = 0
    /// Tensors that came from it.
    package var downloads = 0
    /// Bytes of both.
    package var byteCount = 0
    /// Weights that went to the device.
    package var weights = 0
    /// Bytes of them.
    package var weightByteCount = 0

    /// None yet.
    package init() {}
  }

  /// A session.
  ///
  /// - Parameters:
  ///   - library: the loaded library.
  ///   - name: PyTorch's name of the device.
  ///   - version: PyTorch's.
  ///   - precision: how exact products are.
  ///   - tilesAttention: whether attention is computed in tiles, whatever else the device has.
  ///   - memory: of the device, where it isn't as the device tells.
  ///   - limit: bytes of it that may be used; nil: all that are free.
  ///   - watch: what stands between a ring and copies of blocks; nil: nothing.
  /// - Throws: when there is no such device.
  init(
    _ library: OpaquePointer, device name: TorchDeviceName, version: String,
    precision: ProductPrecision, tilesAttention: Bool = false, memory: Residency.Memory? = nil,
    limit: Int? = nil, watch: (@Sendable (any BlockCopying) -> any BlockCopying)? = nil
  ) throws(TorchError) {
    guard case .torch(let word) = name else { preconditionFailure("the host is no device") }
    var (device, processor) = (ct_device(), ct_device())
    for (word, isWanted) in [("cpu", false), (word, true)] {
      var found = ct_device()
      guard unsafe ct_find_device(library, word, &found) else {
        throw .noDevice(name: "\(name)", torch: version, reason: TorchFailure.last.firstSentence)
      }
      if isWanted { device = found } else { processor = found }
    }
    unsafe self.library = library
    self.device = device
    self.processor = processor
    self.name = "\(name)"
    self.version = version
    self.precision = precision
    self.tilesAttention = tilesAttention
    self.watch = watch
    let known = unsafe memory ?? Self.memory(of: device, named: word, library)
    memoryAtStart =
      limit.map { limit in
        Residency.Memory(
          free: min(limit, known?.free ?? limit), total: min(limit, known?.total ?? limit))
      } ?? known
  }

  /// Memory of devices when they were first asked: what PyTorch's allocator has taken since then is free for the
  /// tensors of every session, and not for anybody else.
  private static let found = Mutex<[String: Residency.Memory]>([:])

  /// Free and all bytes of a device; nil where they aren't known.
  private static func memory(
    of device: ct_device, named name: String, _ library: OpaquePointer
  ) -> Residency.Memory? {
    found.withLock { found in
      if let memory = found[name] { return memory }
      var (free, total) = (0, 0)
      guard unsafe ct_memory(library, device, &free, &total) else { return nil }
      let memory = Residency.Memory(free: free, total: total)
      found[name] = memory
      return memory
    }
  }

  /// Whether the device is the processor.
  var isProcessor: Bool { unsafe ct_is_cpu(library, device) }
  /// Whether the device is CUDA's or ROCm's.
  var isCUDA: Bool { unsafe ct_is_cuda(library, device) }
  /// Whether the device copies by itself while it computes.
  var hasStreams: Bool { unsafe ct_has_streams(library, device) }
  /// What crossed so far.
  package var crossings: Crossings { counts.withLock { $0 } }
  /// Tensors that there are.
  package var liveTensorCount: Int { liveTensors.load(ordering: .relaxed) }

  /// What is computed with and kept of activations: with bfloat16 products there is no more in them.
  var activationType: TorchType { precision == .bfloat16 ? .bfloat16 : .float32 }

  /// Whether what acts on one vector a pass is computed on the host.
  package var keepsVectorsOnHost: Bool {
    get { placement.withLock { $0.hostsVectors } }
    set { placement.withLock { $0.hostsVectors = newValue } }
  }

  /// The blocks that go through a ring; nil: none.
  var streamed: StreamedBlocks? { placement.withLock { $0.streamed } }

  /// Bytes of weights on the device.
  var weightByteCount: Int { liveWeights.load(ordering: .relaxed) }

  /// Copies of blocks as a ring asks for them.
  func watched(_ copies: any BlockCopying) -> any BlockCopying { watch?(copies) ?? copies }

  /// How the session is recorded: PyTorch's version, the device, and what decides its bits.
  package var record: String {
    let threads = isProcessor ? ", \(unsafe ct_threads(library)) threads" : ""
    let bits = unsafe ct_is_deterministic(library) ? "" : ", not deterministic"
    return "PyTorch \(version), \(name)\(threads), \(precision.rawValue)\(bits)"
  }

  func count(_ change: (inout Crossings) -> Void) { counts.withLock { change(&$0) } }

  /// Counts bytes of weights that were copied, or given back.
  func countWeights(_ difference: Int) { liveWeights.add(difference, ordering: .relaxed) }

  /// Counts tensors that were made, or given back.
  func countLive(_ difference: Int) { liveTensors.add(difference, ordering: .relaxed) }

  /// A number that goes with tensors of any device.
  func scalar(_ value: Float) throws -> TorchTensor {
    let own = try TorchTensor(emptyIn: self, on: processor, .float32, [])
    try unsafe withUnsafeBytes(of: value) { bytes in
      try unsafe own.take(try TorchTensor(borrowing: bytes, in: self, .float32, []))
    }
    return own
  }
}
