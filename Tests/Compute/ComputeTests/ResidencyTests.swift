import Compute
import Testing

@Suite("Weights on a device")
struct ResidencyTests {
  /// 380 bytes of blocks, 410 of all weights; with what is beside them 470.
  private func plan(
    free: Int?, total: Int = 10_000, blocks: [Int] = [100, 100, 60, 60, 60], coding: Int = 0
  ) -> Residency {
    Residency(
      device: "cuda", memory: free.map { Residency.Memory(free: $0, total: total) },
      sizes: .init(aroundBlocks: 10, ofVectors: 20, blocks: blocks, widened: 5), beside: 40,
      coding: coding, reserve: 15, copiesBesideComputing: true)
  }

  @Test("stay there where all fit, or where nobody knows", arguments: [470, nil])
  func all(free: Int?) {
    let plan = plan(free: free)
    #expect(plan.residentBlockCount == 5 && plan.slotCount == 0 && plan.streamedByteCount == 0)
    #expect(plan.residentByteCount == 410 && plan.byteCount == 470 && plan.fits)
  }

  /// Beside two slots of 100 bytes two blocks of 60 make 410; three would make 470, as all do.
  @Test("stay there from the last block on, as many as fit beside a ring")
  func some() {
    for free in [469, 410] {
      let plan = plan(free: free)
      #expect(plan.residentBlockCount == 2 && plan.residentByteCount == 150)
      #expect(plan.slotCount == 2 && plan.slotByteCount == 100 && plan.ringByteCount == 200)
      #expect(plan.streamedByteCount == 260 && plan.byteCount == 410 && plan.fits)
    }
    #expect(plan(free: 409).residentBlockCount == 1)
  }

  @Test("go through the ring at the least, and do not fit where that doesn't")
  func least() {
    let plan = [290, 289].map { self.plan(free: $0) }
    #expect(plan.allSatisfy { $0.residentBlockCount == 0 && $0.byteCount == 290 })
    #expect(plan[0].fits && !plan[1].fits)
    #expect(plan[0].streamedByteCount == 380 && plan[0].residentByteCount == 30)
  }

  @Test("that act on one vector a pass stay on the host where all are more than 70 % of its memory")
  func vectors() {
    let (small, large) = (plan(free: 500, total: 580), plan(free: 500, total: 590))
    #expect(small.hostByteCount == 20 && small.residentByteCount == 390 && small.byteCount == 450)
    #expect(large.hostByteCount == 0 && large.residentByteCount == 410)
  }

  @Test("of a model with few blocks are all there or do not fit")
  func few() {
    #expect(plan(free: 189, blocks: [100]).fits == false)
    #expect(plan(free: 190, blocks: [100]).residentBlockCount == 1)
    #expect(plan(free: 90, blocks: []).fits && !plan(free: 89, blocks: []).fits)
  }

  /// All weights, the reserve and what it takes are 410, 15 and 100.
  @Test(
    "are there with an autoencoder, which stays on the host where both are more than 70 % of its memory"
  )
  func autoencoder() {
    let (small, large) = (
      plan(free: 480, total: 740, coding: 100), plan(free: 530, total: 760, coding: 100)
    )
    #expect(small.hostsAutoencoder && small.besideByteCount == 40 && small.byteCount == 470)
    #expect(!large.hostsAutoencoder && large.besideByteCount == 100 && large.byteCount == 530)
    // It takes its memory between passes.
    #expect(plan(free: 530, coding: 30).besideByteCount == 40)
    #expect(plan(free: 529, coding: 100).residentBlockCount == 2)
    #expect(!plan(free: nil, coding: 100).hostsAutoencoder)
  }
}
