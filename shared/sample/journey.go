package sample

// act plans what happens in a visit, from landing to leaving. The numbers of its
// parts are what makes the sample worth asking: which pages are read, where
// people turn round, what holds them.
func (v *visit) act() {
	switch {
	case v.person.class == crawler:
		v.crawls()
		return
	case v.turn.invoice:
		v.does(invoicePaid)
		v.now.at += 40
	}
	v.does(pageView)
	switch {
	case v.now.user || v.turn.logIn:
		v.works()
	case v.turn.signUp != signUpNone:
		v.looks(1)
		v.signsUp()
	default:
		v.looks(v.stay())
	}
}

// stay is how many pages somebody reads who looks around.
func (v *visit) stay() int {
	more := 520
	if v.person.class == reader {
		more = 300
	}
	n := 1
	for n < 9 && v.dice.chance(more) {
		n++
	}
	return n
}

// crawls walks through pages as fast as a machine does.
func (v *visit) crawls() {
	v.does(pageView)
	for range v.dice.below(4) {
		v.waits(2500)
		v.opens(v.dice.docsPage())
	}
}

// looks reads n pages, the first of which is open already.
func (v *visit) looks(n int) {
	for i := range n {
		if i > 0 {
			v.opens(v.elsewhere())
		}
		v.reads()
	}
}

// elsewhere is the next page of somebody who looks around: mostly on the same
// site, sometimes from the documentation to the home page or back.
func (v *visit) elsewhere() int {
	docs := pages[v.now.page].host == docsHost
	if v.dice.chance(130) {
		docs = !docs
	}
	if docs {
		return v.dice.docsPage()
	}
	return v.dice.wwwPage()
}

// reads spends time on the page that is open.
func (v *visit) reads() {
	switch {
	case pages[v.now.page].section != "":
		if v.dice.chance(70) {
			v.waits(9000)
			v.does(docsSearched)
		}
		lasted := v.waits(48_000)
		if lasted >= 20 { // shorter is a glance
			v.does(docsRead).lasted = lasted
		}
	default:
		if v.now.entry {
			v.now.at += 30
			v.does(landingSeen)
		}
		v.waits(26_000)
	}
	if v.dice.chance(8) {
		v.does(errorShown)
	}
}

// signsUp goes through the sign-up form.
func (v *visit) signsUp() {
	if v.now.page >= pageDocs { // from the documentation by way of the home page
		v.opens(pageHome)
		v.now.at += 30
		v.does(landingSeen)
		v.waits(21_000)
	}
	v.opens(pageSignUp)
	v.waits(5000)
	v.does(signUpBegun)
	lasted := v.waits(41_000)
	if v.turn.signUp == signUpStarted {
		if v.dice.chance(350) {
			v.does(errorShown)
		}
		return
	}
	v.now.user = true
	v.does(identified)
	v.does(setFirst)
	v.now.at += 2
	v.does(signUpCompleted).lasted = lasted
	v.does(setPerson)
	v.does(setCompany)
	v.does(setGroup)
	v.waits(2500)
	v.opens(pageWelcome)
	v.waits(14_000)
	if v.dice.chance(600) {
		v.does(templateUsed)
		v.waits(5000)
	}
	v.uses(1 + v.dice.below(4))
}

// works is a visit of somebody who has an account.
func (v *visit) works() {
	if v.turn.logIn {
		if v.now.page != pageLogin {
			v.opens(pageLogin)
		}
		v.waits(11_000)
		v.now.user = true
		v.does(identified)
		v.now.at += 3
		v.does(loggedIn)
		v.waits(1500)
	}
	if v.now.page != pageApp {
		v.opens(pageApp)
	}
	if v.fresh || v.turn.logIn { // the application tells whom it has
		v.does(setPerson)
		v.does(setCompany)
		v.does(setGroup)
	}
	v.waits(7000)
	v.uses(2 + v.dice.lean(11))
	if v.dice.chance(90) { // looks something up
		v.opens(v.dice.docsPage())
		v.reads()
	}
	if v.turn.billing != billingNone {
		v.pays()
	}
}

// uses does n things in the product, and creates the documents that the turn
// says.
func (v *visit) uses(n int) {
	made := 0
	for i := range n {
		if made < v.turn.writes && (v.dice.chance(500) || n-i <= v.turn.writes-made) {
			v.opens(pageDocument)
			v.now.document = uint16(v.life.documents + made)
			made++
			v.steps[len(v.steps)-1].document = v.now.document
			v.waits(1500)
			v.does(documentCreated)
			v.waits(95_000)
			continue
		}
		v.uses1()
	}
	for ; made < v.turn.writes; made++ {
		v.now.document = uint16(v.life.documents + made)
		v.does(documentCreated)
		v.waits(20_000)
	}
	if v.turn.writes > 0 {
		v.does(addDocuments)
	}
}

// uses1 does one thing. What people do most is open documents.
func (v *visit) uses1() {
	document := uint16(v.dice.lean(max(v.life.documents, 3)))
	switch r := v.dice.below(100); {
	case r < 46:
		v.now.document = document
		v.opens(pageDocument)
		v.waits(700)
		v.does(documentOpened)
		v.waits(70_000)
	case r < 62:
		v.does(commentAdded)
		v.waits(32_000)
	case r < 75:
		v.opens(pageSearch)
		v.waits(4000)
		v.does(searched)
		v.waits(6000)
	case r < 84:
		v.does(documentShared)
		v.waits(12_000)
	case r < 90:
		v.does(exportStarted)
		v.now.at += 1
		done := v.now
		done.kind = exportFinished
		done.lasted = v.waits(16_000)
		done.at = v.now.at
		v.steps = append(v.steps, done)
		v.waits(3000)
	case r < 94:
		v.opens(pageTeam)
		v.waits(9000)
		v.does(inviteSent)
		v.waits(5000)
	case r < 96:
		v.opens(pageIntegrations)
		v.waits(13_000)
		v.does(integrationConnected)
		v.waits(6000)
	default:
		v.does(errorShown)
		v.waits(8000)
	}
}

// pays goes through the billing set-up as far as the turn says.
func (v *visit) pays() {
	start := v.now.at
	v.opens(pageBilling)
	v.does(billingOpen)
	v.waits(14_000)
	if v.turn.billing < billingChosen {
		return
	}
	v.opens(pagePlans)
	v.waits(22_000)
	v.does(planChosen)
	v.waits(3000)
	v.opens(pageCard)
	v.waits(19_000)
	if v.turn.stuck { // the form cannot be filled in; people try two or three times
		for range 2 + v.dice.below(2) {
			v.does(cardFailed)
			v.waits(13_000)
		}
		return
	}
	if v.turn.billing < billingCard {
		return
	}
	v.does(cardAdded)
	v.waits(8000)
	if v.turn.billing < billingDone {
		return
	}
	v.now.paid = true
	v.does(billingCompleted).lasted = uint16(min((v.now.at-start)/1000, 3600))
	v.does(setPlan)
	v.does(appendCharge)
	v.does(setGroup)
	v.now.at += 900
	v.does(subscriptionStarted)
	v.waits(9000)
}
