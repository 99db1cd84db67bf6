internal import CTorch
public import Compute
internal import SystemPackage

/// A device that was opened and computes as it should.
public struct TorchDevice: Sendable {
  /// The engine there.
  package let engine: TorchEngine
  /// How results record it; see ``Arithmetic/name``.
  public var record: String { engine.session.record }
  /// What to tell the person; nil: nothing.
  public let note: String?

  /// Loads PyTorch, finds the device and tries it.
  ///
  /// - Parameters:
  ///   - name: which device.
  ///   - installation: the PyTorch.
  ///   - precision: how exact products are.
  ///   - threads: of PyTorch's own loops.
  ///   - memoryLimit: bytes of the device's memory that may be used; nil: all that are free.
  /// - Throws: what is missing, or wrong.
  public init(
    _ name: TorchDeviceName, of installation: TorchInstallation, precision: ProductPrecision,
    threads: Int, memoryLimit: Int? = nil
  ) throws(TorchError) {
    let library = try TorchLibrary(installation, for: name, threads: threads)
    let session = try library.session(on: name, precision: precision, limit: memoryLimit)
    let exact =
      precision == .float32 ? session : try library.session(on: name, precision: .float32)
    try self.init(library, TorchEngine(session, exact: exact))
  }

  package init(_ library: TorchLibrary, _ engine: TorchEngine) throws(TorchError) {
    self.engine = engine
    try TorchTrial(engine).run()
    note = library.note
  }

  /// Has passes of transformers computed there from now on.
  public func use() { TransformerEngine.use(engine, name: record) }
}

/// How a device is opened, once it is known how exact products are.
public struct TorchOpening: Sendable {
  /// Which device.
  public let name: TorchDeviceName
  private let installation: TorchInstallation
  private let threads: Int
  private let memoryLimit: Int?

  /// A device of a PyTorch that was found.
  public init(
    _ name: TorchDeviceName, of installation: TorchInstallation, threads: Int,
    memoryLimit: Int? = nil
  ) {
    self.name = name
    self.installation = installation
    self.threads = threads
    self.memoryLimit = memoryLimit
  }

  /// The device; see ``TorchDevice/init(_:of:precision:threads:memoryLimit:)``.
  public func open(_ precision: ProductPrecision) throws(TorchError) -> TorchDevice {
    try TorchDevice(
      name, of: installation, precision: precision, threads: threads, memoryLimit: memoryLimit)
  }

  /// PyTorch's own name of the device.
  public var torchName: String {
    if case .torch(let name) = name { name } else { "cpu" }
  }
}

/// A PyTorch that is loaded.
@safe package struct TorchLibrary: @unchecked Sendable {
  /// The library.
  private let library: OpaquePointer
  /// Its version.
  package let version: String
  /// What to tell the person.
  package let note: String?

  /// Loads one: for processors alone what runs on these, which loads where another device's libraries don't.
  package init(
    _ installation: TorchInstallation, for device: TorchDeviceName, threads: Int
  ) throws(TorchError) {
    let folder = installation.folder
    if let text = installation.version, let version = TorchVersion(text),
      version < TorchVersion.oldest
    {
      throw .tooOld(folder: folder, version: text)
    }
    let file = folder.appending(
      device.isProcessor ? TorchInstallation.cpuLibraryName : TorchInstallation.libraryName)
    guard let library = unsafe ct_open(file.string, Int32(threads)) else {
      throw .cannotOpen(library: file, reason: "\(TorchFailure.last)")
    }
    let found = TorchVersion(code: Int(unsafe ct_version(library)))
    let version = installation.version ?? "\(found)"
    guard found >= TorchVersion.oldest else { throw .tooOld(folder: folder, version: version) }
    unsafe self.library = library
    self.version = version
    note =
      found > TorchVersion.newest
      ? "PyTorch \(version) is newer than \(TorchVersion.newest), the newest that was tried" : nil
  }

  /// A session on a device.
  package func session(
    on name: TorchDeviceName, precision: ProductPrecision, tilesAttention: Bool = false,
    memory: Residency.Memory? = nil, limit: Int? = nil,
    watch: (@Sendable (any BlockCopying) -> any BlockCopying)? = nil
  ) throws(TorchError) -> TorchSession {
    try unsafe TorchSession(
      library, device: name, version: version, precision: precision, tilesAttention: tilesAttention,
      memory: memory, limit: limit, watch: watch)
  }

  /// How many devices of CUDA's or ROCm's there are.
  package var cudaCount: Int { Int(unsafe ct_cuda_count(library)) }

  /// Whether a call that fails tells why; before 2.13 PyTorch writes that to standard error itself.
  package var tellsReasons: Bool {
    TorchVersion(code: Int(unsafe ct_version(library)))
      >= TorchVersion(
        major: 2, minor: 13, patch: 0)
  }

  /// Of CUDA's two calls for flash attention, how many refuse the processor's tensors for want of a kernel, and so
  /// take the arguments that they are given.
  package func cudaCallsThatTakeTheirArguments() throws -> Int {
    let session = try session(on: .torch("cpu"), precision: .bfloat16)
    let q = try TorchTensor(emptyIn: session, .bfloat16, [1, 2, 8, 8])
    let sums = try TorchTensor(emptyIn: session, .float32, [1, 2, 8])
    return unsafe Int(
      q.with { q in unsafe sums.with { unsafe ct_probe_cuda_attention(library, q, $0) } })
  }
}
