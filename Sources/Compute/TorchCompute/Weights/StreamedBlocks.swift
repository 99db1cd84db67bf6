internal import Compute

/// A block whose weights go to the device together, one behind the other.
struct StreamedBlock: Sendable {
  /// A weight and where it begins.
  struct Part: Sendable {
    let weight: Weight
    let form: WeightForm
    let first: Int
    let byteCount: Int
  }

  let parts: [Part]
  let byteCount: Int

  init(_ layers: [LinearLayer], on session: TorchSession) {
    var parts: [Part] = []
    var first = 0
    for weight in layers.map(\.weight) {
      let form = session.form(of: weight)
      let count = weight.rows * weight.columns * form.type.byteCount
      parts.append(Part(weight: weight, form: form, first: first, byteCount: count))
      first += session.byteCount(of: weight)
    }
    self.parts = parts
    byteCount = first
  }
}

/// The blocks that go through a ring of slots on a device.
final class StreamedBlocks: Sendable {
  /// Where a weight is when its block is in a slot.
  struct Place: Sendable {
    fileprivate let block: Int
    fileprivate let first: Int
    fileprivate let sizes: [Int]
    fileprivate let type: TorchType
    fileprivate let factors: TorchTensor?
  }

  private let places: [ObjectIdentifier: Place]
  private let copies: DeviceCopies
  private let ring: BlockRing

  /// Blocks that go through so many slots; memory is taken when they are first needed.
  init(
    _ layers: [[LinearLayer]], slots count: Int, of byteCount: Int, on session: TorchSession
  ) throws {
    let blocks = layers.map { StreamedBlock($0, on: session) }
    var places: [ObjectIdentifier: Place] = [:]
    for (index, block) in blocks.enumerated() {
      for part in block.parts {
        places[ObjectIdentifier(part.weight.identity)] = Place(
          block: index, first: part.first, sizes: [part.weight.rows, part.weight.columns],
          type: part.form.type, factors: try session.factors(of: part.form))
      }
    }
    self.places = places
    copies = DeviceCopies(blocks, slots: count, of: byteCount, on: session)
    ring = BlockRing(slots: count, session.watched(copies))
  }

  /// Where a weight is; nil: not in a ring.
  func place(of weight: Weight) -> Place? { places[ObjectIdentifier(weight.identity)] }

  /// Says that some layers will be needed next.
  func prepare(_ layers: [LinearLayer]) throws {
    guard let place = layers.lazy.compactMap({ self.place(of: $0.weight) }).first else { return }
    try ring.prepare(place.block)
  }

  /// Runs the body, which records a product, with a weight as the product takes it.
  func with<Result>(
    _ place: Place, as type: TorchType, _ body: (TorchTensor) throws -> Result
  ) throws -> Result {
    try ring.with(place.block) { slot in
      let kept = try copies.memory(slot).elements(place.type, place.sizes, from: place.first)
      return try body(kept.numbers(times: place.factors, as: type))
    }
  }
}
