/// Where the weights of a transformer are while a device with memory of its own computes passes: as many of the last
/// blocks as fit stay there, and those before them go through a ring of slots, each copied there for every sweep
/// over the blocks and never back.
///
/// All but a ring's slots are bytes that are on the device from the first pass on.
public struct Residency: Sendable, Equatable {
  /// Bytes of a device's memory.
  public struct Memory: Sendable, Equatable {
    /// That may be used.
    public let free: Int
    /// Of the device, or what a person lets it be.
    public let total: Int

    /// Free and all bytes.
    public init(free: Int, total: Int) {
      self.free = free
      self.total = total
    }
  }

  /// What weights take on the device.
  package struct Sizes: Sendable, Equatable {
    /// Bytes of the layers around the blocks.
    package var aroundBlocks: Int
    /// Bytes of the layers that act on one vector a pass.
    package var ofVectors: Int
    /// Bytes of each block's layers that act on tokens.
    package var blocks: [Int]
    /// Bytes of the largest weight as a product takes it, where that isn't as it is kept.
    package var widened: Int

    package init(aroundBlocks: Int, ofVectors: Int, blocks: [Int], widened: Int) {
      self.aroundBlocks = aroundBlocks
      self.ofVectors = ofVectors
      self.blocks = blocks
      self.widened = widened
    }
  }

  /// The device, as a person names it.
  public let device: String
  /// Its memory; nil where it isn't known, and all weights stay there.
  public let memory: Memory?
  /// Blocks of all transformers.
  public let blockCount: Int
  /// How many of the last of them stay on the device.
  public let residentBlockCount: Int
  /// Bytes of weights that stay there, those around the blocks among them.
  public let residentByteCount: Int
  /// Slots of the ring that the other blocks go through; 0: all blocks stay there.
  public let slotCount: Int
  /// Bytes of a slot: of the largest block that goes through it.
  public let slotByteCount: Int
  /// Bytes that a sweep over the blocks copies to the device.
  public let streamedByteCount: Int
  /// Whether they are copied while something else is computed.
  public let copiesBesideComputing: Bool
  /// Bytes of weights that stay on the host, which computes what they are for: layers that act on one vector a pass.
  public let hostByteCount: Int
  /// Bytes of the largest weight as a product takes it, where that isn't as it is kept.
  public let widenedByteCount: Int
  /// Bytes of activations, gradients and adapters, or of what the autoencoder takes between passes.
  public let besideByteCount: Int
  /// Whether the host computes the autoencoder.
  public let hostsAutoencoder: Bool
  /// Bytes for what PyTorch makes inside operations, and what its allocator leaves between tensors.
  public let reserveByteCount: Int

  /// Bytes of the ring.
  public var ringByteCount: Int { slotCount * slotByteCount }

  /// Bytes of all of it.
  public var byteCount: Int {
    residentByteCount + ringByteCount + widenedByteCount + besideByteCount + reserveByteCount
  }

  /// Whether that is in the device's memory.
  public var fits: Bool { memory.map { byteCount <= $0.free } ?? true }

  /// Layers that act on one vector a pass make vectors for all steps of a timestep; their weights, a quarter of
  /// FLUX.1's and a third of Qwen-Image's, stay on the host where all together would take more than 70 % of the
  /// device's memory. That depends on the model and the device alone: it decides the last bits.
  static func keepsVectorsOnHost(_ sizes: Sizes, _ memory: Memory?) -> Bool {
    let all = sizes.aroundBlocks + sizes.ofVectors + sizes.blocks.reduce(0, +)
    return memory.map { all > $0.total / 10 * 7 } ?? false
  }

  /// The autoencoder stays on the host where all weights and what it takes are more than 70 % of the device's memory:
  /// that, too, decides last bits and so depends on no more than ``keepsVectorsOnHost(_:_:)``.
  private static func keepsAutoencoderOnHost(_ byteCount: Int, _ memory: Memory?) -> Bool {
    memory.map { byteCount > $0.total / 10 * 7 } ?? false
  }

  /// Decides: as many of the last blocks stay as fit, all or those beside which a ring fits. Where not even a ring for
  /// all blocks does, that is what is decided, and ``fits`` says so.
  ///
  /// - Parameters:
  ///   - device: as a person names it.
  ///   - memory: of the device; nil where it isn't known.
  ///   - sizes: of the weights there.
  ///   - beside: bytes of activations, gradients and adapters.
  ///   - coding: bytes that the autoencoder takes between passes, if it is there.
  ///   - reserve: bytes that nobody plans.
  ///   - copiesBesideComputing: whether the device copies while it computes.
  package init(
    device: String, memory: Memory?, sizes: Sizes, beside: Int, coding: Int, reserve: Int,
    copiesBesideComputing: Bool
  ) {
    let blocks = sizes.blocks
    let hostsVectors = Self.keepsVectorsOnHost(sizes, memory)
    let always = sizes.aroundBlocks + (hostsVectors ? 0 : sizes.ofVectors)
    hostsAutoencoder = Self.keepsAutoencoderOnHost(
      always + blocks.reduce(0, +) + coding + reserve, memory)
    let beside = hostsAutoencoder ? beside : max(beside, coding)
    let other = always + sizes.widened + beside + reserve
    func slots(resident: Int) -> (count: Int, byteCount: Int) {
      let streamed = blocks.dropLast(resident)
      return (min(2, streamed.count), streamed.max() ?? 0)
    }
    func fits(resident: Int) -> Bool {
      let ring = slots(resident: resident)
      let sum = other + blocks.suffix(resident).reduce(0, +) + ring.count * ring.byteCount
      return memory.map { sum <= $0.free } ?? true
    }
    let resident = (0...blocks.count).last(where: fits) ?? 0
    let ring = slots(resident: resident)
    self.device = device
    self.memory = memory
    self.copiesBesideComputing = copiesBesideComputing
    blockCount = blocks.count
    residentBlockCount = resident
    residentByteCount = always + blocks.suffix(resident).reduce(0, +)
    (slotCount, slotByteCount) = ring
    streamedByteCount = blocks.dropLast(resident).reduce(0, +)
    hostByteCount = hostsVectors ? sizes.ofVectors : 0
    widenedByteCount = sizes.widened
    besideByteCount = beside
    reserveByteCount = reserve
  }
}
